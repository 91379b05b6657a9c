"""Writes to a database and a log of its own."""
import hashlib, json, logging, os, sqlite3, sys
HERE = os.path.dirname(os.path.abspath(__file__))
logging.basicConfig(filename=os.path.join(HERE, "journal.log"), level=logging.INFO)
expected = json.load(open(os.path.join(HERE, "..", "expected.json")))
if hashlib.sha256(os.environ.get("DATABASE_URL", "").encode()).hexdigest() != expected["DATABASE_URL"]:
    sys.exit("wrong value")
connection = sqlite3.connect(os.path.join(HERE, "journal.db"))
connection.execute("create table if not exists entry (at integer)")
connection.execute("insert into entry values (1)")
connection.commit()
logging.info("written")
print("entries", connection.execute("select count(*) from entry").fetchone()[0])
