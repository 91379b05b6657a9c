import os, runpy
import recorder
runpy.run_path(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "manage.py"))
