"""Imports every module that there is in mods."""
import importlib, os, sys
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
for name in sorted(os.listdir(os.path.join(HERE, "mods"))):
    if name.endswith(".py"):
        importlib.import_module("mods." + name[:-3])
print("imported")
