"""A role that may only post, a backup with pg_dump, and the ledger that is restored from it."""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "cookbook"))

import cala
from book import account, credit, debit, template

# As a role that may create schemas, roles and databases: postgres://owner@/app?host=…
OWNER = os.environ["CALA_TEST_POSTGRES"]
APP = re.sub(r"//\w+@", "//example_app@", OWNER)
RESTORED = re.sub(r"/\w+\?", "/example_restored?", OWNER)


def sql(database, statements):
    quietly = "SET client_min_messages = warning;"
    subprocess.run(["psql", "-qX", "-v", "ON_ERROR_STOP=1", database], input=quietly + statements,
                   text=True, check=True)


# The owner makes the tables, once and after each upgrade, and lends the functions to the role that posts.
with cala.Ledger.open(OWNER, schema="example", migrate=True):
    pass
sql(OWNER, """
    CREATE ROLE example_app LOGIN;
    GRANT USAGE ON SCHEMA example TO example_app;
    GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA example TO example_app;
""")

with cala.Ledger.open(APP, schema="example") as ledger:
    main = ledger.journals.create(code="MAIN", name="Main")["id"]
    bank, alice = account(ledger, "BANK", "debit"), account(ledger, "ALICE")
    template(ledger, main, "DEPOSIT", {"amount": "decimal"}, [debit(f"uuid('{bank}')"), credit(f"uuid('{alice}')")])
    for _ in range(10):
        ledger.post("DEPOSIT", {"amount": "10.00"})
    print("posted by a role that owns nothing:", ledger.info()["transactions"])
refused = subprocess.run(["psql", "-qX", APP, "-c", "UPDATE example.entries SET units = 0"], capture_output=True,
                         text=True)
print("which cannot touch a table:", "permission denied" in refused.stderr)

with tempfile.NamedTemporaryFile(suffix=".dump") as dump:
    subprocess.run(["pg_dump", "--format=custom", "--schema=example", f"--file={dump.name}", OWNER], check=True)
    sql(OWNER, "CREATE DATABASE example_restored;")
    subprocess.run(["pg_restore", "--exit-on-error", f"--dbname={RESTORED}", dump.name], check=True)

with cala.Ledger.open(RESTORED, schema="example") as restored:
    total = restored.balances.trial(main)["totals"][0]
    print("restored, debits and credits:", total["debit"], total["credit"])
    restored.post("DEPOSIT", {"amount": "10.00"})
    print("and it goes on:", restored.info()["transactions"])

sql(OWNER, "DROP DATABASE example_restored; DROP SCHEMA example CASCADE; DROP ROLE example_app;")
