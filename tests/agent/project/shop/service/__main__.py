from service.db import connect

print("service ready" if connect() else "service wrong value")
