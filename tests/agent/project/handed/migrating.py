import subprocess, sys
subprocess.run([sys.executable, "manage.py"] + sys.argv[1:], check=True)
