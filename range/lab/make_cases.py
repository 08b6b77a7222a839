#!/usr/bin/env python3
"""Write a case.toml into each scenario folder (the format: ../../docs/case-file.md).

Everything in it is what an investigator would know before the analysis: where the logs and the snapshot are,
what the columns mean, which routes build which SQL. Nothing comes from truth/.
usage: make_cases.py FOLDER...   (a folder of scenarios, or one scenario)
"""
import json, os, sys

FIELDS = {
    "customers": {"name": "person.name", "kana": "person.name_kana", "email": "person.email", "phone": "person.phone",
                  "zip": "person.postal_code", "address": "person.address"},
    "cards": {"holder": "card.holder", "pan": "card.number", "exp": "card.expiry", "cvv": "card.code", "brand": "card.brand"},
    "staff": {"name": "person.name", "email": "person.email", "login": "account.login", "pw_hash": "account.password_hash"},
}
OWNER = {"cards": ("customers", "customer_id"), "orders": ("customers", "customer_id")}
REFERENCES = {"cards": {"customer_id": "customers.id"}, "orders": {"customer_id": "customers.id", "card_id": "cards.id"}}
TABLES = ["customers", "cards", "orders", "items", "news", "staff"]
FORMATS = {  # log formats the servers were configured with
    ("nginx", "combined"): 'auto', ("apache", "combined"): 'auto', ("nginx", "json"): 'auto',
}


def q(s):
    return json.dumps(s, ensure_ascii=False)


def inline(d):
    return "{ " + ", ".join(f"{k} = {q(v)}" for k, v in d.items()) + " }"


def dbms(folder):
    readme = open(os.path.join(folder, "README.md"), encoding="utf-8").read()
    for word, name in (("MariaDB", "mariadb"), ("SQLite", "sqlite"), ("Debian 15", "postgresql")):
        if word in readme:
            return name
    raise SystemExit(f"{folder}: which DBMS?")


def shows(text):
    t = text.lower()
    if t.startswith("json") or "all rows" in t: return "rows"
    if "first row" in t and "302" not in t: return "first-row"
    if "found / not found" in t or "302" in t: return "exists"
    return "nothing"


def case(folder):
    name = os.path.basename(os.path.normpath(folder)).split("_")[0]
    out = ["version = 1", "", "[case]", f"id = {q(name)}", f"title = {q(name)}", 'timezone = "Asia/Tokyo"', 'languages = ["ja", "en"]', "",
           "[controller]", 'name = "Example Rental KK"', 'domain = "rental.example"', 'brands = ["Example Wi-Fi"]', "",
           "[[source]]", 'name = "shop"', f"dbms = {q(dbms(folder))}", 'snapshot = "snapshot"',
           'csv = { header = true, null = "\\\\N", encoding = "utf-8" }']
    for t in TABLES:
        out += ["", f"[source.tables.{t}]", 'key = ["id"]']
        if t in OWNER:
            out.append("person = " + inline({"table": OWNER[t][0], "column": OWNER[t][1]}))
        if t in REFERENCES:
            out.append("references = " + inline(REFERENCES[t]))
        if t in FIELDS:
            out.append("fields = " + inline(FIELDS[t]))
    for sub in ("weblog", "dblog"):
        d = os.path.join(folder, sub)
        for f in sorted(os.listdir(d)) if os.path.isdir(d) else []:
            if f.endswith(".md"): continue
            out += ["", "[[evidence]]", f"path = {q(sub + '/' + f)}", 'format = "auto"', 'source = "shop"', 'timezone = "Asia/Tokyo"']
    d = os.path.join(folder, "found_files")
    found = sorted(os.listdir(d)) if os.path.isdir(d) else []
    for e in json.load(open(os.path.join(folder, "endpoints.json"), encoding="utf-8"))["endpoints"]:
        where = {"query": "query", "form body": "form", "cookie": "cookie", "path": "path", "header": "header", "json body": "json"}[e["where"]]
        out += ["", "[[endpoint]]", f"method = {q(e['method'])}", f"path = {q(e['path'])}", f"parameter = {q(e['param'])}",
                f"where = {q(where)}", f"sql = {q(e['sql'])}", f"shows = {q(shows(e['shows']))}"]
        if "errors=show" in e["shows"]:
            out.append("errors = true        # may show the database's error text")
    out += ["", "[[rule]]", 'kind = "replay"', "", "[[rule]]", 'kind = "access"', 'request = "GET /api/orders/{orders.id}.json"',
            'exposes = ["orders.id", "orders.customer_id", "orders.router", "orders.pickup_airport", "orders.from_date", "orders.to_date", '
            '"orders.amount", "orders.created_at", "customers.name", "customers.email", "customers.phone", "customers.zip", '
            '"customers.address", "cards.brand", "cards.exp"]',
            "suspect = { persons_per_actor_min = 20 }"]
    for f in found:
        out += ["", "[[rule]]", 'kind = "file"', f"evidence = {q('found_files/' + f)}", f"served_at = {q('/backup/' + f)}"]
    open(os.path.join(folder, "case.toml"), "w", encoding="utf-8").write("\n".join(out) + "\n")


for arg in sys.argv[1:]:
    for folder in ([arg] if os.path.exists(os.path.join(arg, "endpoints.json")) else
                   sorted(os.path.join(arg, d) for d in os.listdir(arg) if os.path.exists(os.path.join(arg, d, "endpoints.json")))):
        case(folder)
        print(folder)
