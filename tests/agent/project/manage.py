import hashlib, json, os, sys
expected = json.load(open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "expected.json")))
real = hashlib.sha256(os.environ.get("DATABASE_URL", "").encode()).hexdigest() == expected["DATABASE_URL"]
print("migrated" if real else "wrong value")
sys.exit(0 if real else 3)
