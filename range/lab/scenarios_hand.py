"""A scenario of an attacker by hand or by another tool (hands.py, Hakuin), drawn from a seed: what is asked for, by which way of
saying it, through which entry, in which disguise, and what happened to the evidence afterwards."""
import random
from scenario_kit import *

# way: databases, entries, most rows, how much data there is
ALL, PAGES = ["mariadb", "pg", "sqlite"], ["items", "list", "search", "cart", "area", "agent", "api"]
ROWS = {w: (ALL, PAGES, 60) for w in ["by_range", "by_keyset", "by_smallest", "by_exclusion", "by_offset_down", "joined_windows", "joined_sorted", "json_whole", "through_join", "through_with", "through_exists", "nested", "without_names", "different_only", "some_of_them", "page_widened"]}
ROWS |= {w: (["pg"], PAGES, 60) for w in ["xml_whole", "array_whole", "row_json"]}
for w in ("by_keyset", "by_smallest", "by_exclusion", "by_offset_down"): ROWS[w] = (ALL, PAGES + ["item"], 25)
ERRORS = {"by_xpath": (["mariadb"], ["items"], 12), "by_cast": (["pg"], ["items", "search"], 25), "by_cast_joined": (["pg"], ["items"], 30), "by_duplicate": (["mariadb"], ["items"], 12)}
BLIND = {w: (ALL, ["track", "item", "items", "login"], 4) for w in ["blind", "blind_joined", "blind_key", "exists_rows", "count_rows", "constant_rows", "member_rows", "case_inside", "test_inside", "numbers"]}
BLIND["blind"] = (ALL, ["track", "item", "items", "login"], 6)
BLIND["arithmetic"] = (ALL, ["item", "items"], 4)
READERS = {"mariadb": ["above", "between", "in", "intext", "instr", "set", "bits", "hex", "like", "left", "regexp", "strcmp", "position"], "pg": ["above", "between", "in", "intext", "instr", "bits", "hex", "like", "left", "regexp", "position"], "sqlite": ["above", "between", "in", "intext", "instr", "bits", "hex", "like", "left"]}
HOWS = {"mariadb": ["and", "or", "not", "case", "if", "select", "xor", "error", "time"], "pg": ["and", "or", "not", "case", "select", "error", "time"], "sqlite": ["and", "or", "not", "case", "select", "error"]}
COLUMNS = {"customers": ["name", "email", "phone", "zip", "address"], "cards": ["pan", "exp", "cvv", "holder", "brand"], "orders": ["router", "amount", "pickup_airport"], "staff": ["login", "pw_hash", "email", "role"]}
PLAIN = {"customers": ["email", "phone", "zip"], "cards": ["pan", "exp", "cvv"], "staff": ["login", "pw_hash"]}
WEBLOG = {"nginx": ["combined", "timed", "json"], "apache": ["combined", "D"]}
DBLOG = {"mariadb": [["general"], ["audit"], ["slow"], []], "pg": [["stderr"], ["csvlog"], ["jsonlog"], []], "sqlite": [["trace"], []]}


def draw(seed):
    r = random.Random(7000 + seed)
    kind = r.choices(["rows", "errors", "blind", "tool"], [9, 3, 9, 1])[0]
    extra = {}
    if kind == "tool":
        db, page, n = r.choice(["pg", "sqlite"]), "track", 40
        web = "nginx"
        table, column = r.choice([("staff", "login"), ("staff", "pw_hash"), ("cards", "pan"), ("cards", "exp"), ("customers", "phone")])
        attack = HK("203.0.113.240", "/track?no=0'%20OR%20(SELECT%20({query}))--%20-" if db == "sqlite" else "/track?no=0'%20OR%20({query})--%20-", "no", "BOOLEAN", "-D", db.replace("pg", "postgres"), "-i", "body:承っております", "-t", table, "-c", column, "-T", str(r.randint(1, 3)))
        what = f"Hakuin {table}.{column}"
        log = r.choice(WEBLOG[web])
    else:
        ways = {"rows": ROWS, "errors": ERRORS, "blind": BLIND}[kind]
        way = r.choice(sorted(ways))
        dbs, pages, rows = ways[way]
        db, page = r.choice(dbs), r.choice(pages)
        web = "nginx" if page in ("area", "api", "agent") else r.choice(["nginx", "nginx", "apache"])
        log = "json" if page == "cart" else r.choice(WEBLOG[web])
        if page == "cart": web = "nginx"
        names = PLAIN if kind == "blind" else COLUMNS
        table = r.choice(sorted(names))
        most = 2 if kind == "blind" else 3
        columns = r.sample(names[table], r.randint(1, min(most, len(names[table]))))
        n = r.choice([40, 300]) if kind == "blind" else r.choice([120, 600, 900])
        params = dict(db=db, table=table, columns=columns, first=r.randint(1, 40), count=r.randint(2, min(rows, 6) if table == "staff" else rows), page=page, plus=r.randint(0, 1), seed=seed,
                      disguise=r.choice([None, None, None, "case", "comments", "blanks", "version", "lines"]))
        if kind == "blind":
            params["reader"] = r.choice(READERS[db])
            params["how"] = r.choice([h for h in HOWS[db] if (h != "time") and (h != "error" or page == "items")])
            if r.random() < .12 and db != "sqlite": params["how"], params["page"], page, params["count"], params["columns"] = "time", "news", "news", 1, ["exp"] if table == "cards" else columns[:1]
            if params["how"] == "time" and log in ("combined",): log = "timed" if web == "nginx" else "D"
            if way == "arithmetic": params["how"] = "and"
            if params.get("disguise") in ("version", "lines"): params["disguise"] = None
            if r.random() < .2: extra["hurt"] = r.choice([["interleave"], ["cut"], ["lost"]])
        elif r.random() < .2: extra["hurt"] = r.choice([["interleave"], ["cut"]])
        if kind == "errors" and r.random() < .25: extra["errors"] = "hide"
        if kind == "rows" and r.random() < .1 and db == "mariadb": extra["deny"] = [table]
        if r.random() < .1: extra["conn"] = "per_request"
        attack = HD(f"203.0.113.{r.randint(201, 239)}", way, kind.upper(), ua=r.choice(["curl/7.88.1", FF, "python-requests/2.31.0"]), url="/" + page, **params)
        what = f"{way} through {page}: {table}({', '.join(columns)})" + (f" asked by {params['reader']}, told by {params['how']}" if kind == "blind" else "") + (f", disguise {params['disguise']}" if params.get("disguise") else "")
    if r.random() < .15: extra["db_tz"] = "UTC"
    dblog = r.choice(DBLOG[db])
    if page in ("api", "login"): dblog = DBLOG[db][0]
    if not dblog: extra["give_dblog"] = False
    return S("range", f"drawn from seed {seed}: {db}, {web} {log}, by hand: {what}" + (f"; evidence {', '.join(extra['hurt'])}" if extra.get("hurt") else ""), db, web, log, [attack], n=n, bg=dict(n=3000, rate=60, lead=8, tail=4), dblog=dblog or DBLOG[db][0], seed=7000 + seed, **extra)
