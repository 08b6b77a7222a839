"""A scenario without a single SQL statement of the intruder's, drawn from a seed: record numbers walked through, or files
left in the web root and downloaded, whole or in part, in whatever form."""
import random
from scenario_kit import *

WEBLOG = {"nginx": ["combined", "timed", "json"], "apache": ["combined", "D"]}
DBLOG = {"mariadb": [["general"], ["slow"], []], "pg": [["stderr"], ["csvlog"], []]}
HEADERS = {"customers": ["会員番号", "氏名", "カナ", "メール", "電話", "郵便番号", "住所"], "cards": ["no", "member", "name", "number", "limit", "code", "kind"]}
COLUMNS = {"customers": ["id", "name", "kana", "email", "phone", "zip", "address"], "cards": ["id", "customer_id", "holder", "pan", "exp", "cvv", "brand"]}


def draw(seed):
    r = random.Random(seed)
    db, web = r.choice(["mariadb", "pg"]), r.choice(["nginx", "nginx", "apache"])
    log, n = r.choice(WEBLOG[web]), r.choice([300, 600, 900])
    attack, extra = (numbers if r.random() < .5 else files)(r, db, n)
    return S("range", f"drawn from seed {seed}: {db}, {web} {log}, {attack['tech']}", db, web, log, [attack], n=n, bg=dict(FAST), dblog=r.choice(DBLOG[db]), seed=5000 + seed, **extra)


def numbers(r, db, n):
    """Order numbers walked through, in order or not, perhaps from an address that customers share."""
    ip, first = f"198.51.100.{r.randint(221, 250)}", r.randint(1, n // 2)
    extra = {"shared_ip": ip} if r.random() < .4 else {}
    return SC(ip, "idor", "IDOR", ua=r.choice(["curl/7.88.1", "python-requests/2.31.0", FF]), url="/api/orders/<id>.json",
              **{"from": first, "to": first + r.randint(60, n), "step": r.choice([1, 1, 2, 7]), "shuffle": int(r.random() < .4)}), extra


def files(r, db, n):
    """A dump and a list in the web root. A part is always the file's beginning."""
    plant, get = [], []
    if r.random() < .6:
        plant.append(dict(kind="sqlgz", file="dump.sql.gz", tables=r.sample(["cards", "orders", "customers"], r.randint(1, 2))))
        get.append(["/backup/dump.sql.gz", None])
    if not plant or r.random() < .7:
        table = r.choice(list(COLUMNS))
        places = sorted(r.sample(range(7), r.randint(3, 7))) if r.random() < .5 else r.sample(range(7), r.randint(3, 7))
        first = r.randint(0, n // 3)
        plant.append(dict(kind="csv", file="list.csv", table=table, columns=[COLUMNS[table][p] for p in places], delim=r.choice([",", ";", "\t"]),
                          quote_all=int(r.random() < .3), eol=r.choice(["\r\n", "\n"]), **({"header": [HEADERS[table][p] for p in places]} if r.random() < .6 else {}),
                          **{"from": first, "to": first + r.randint(100, n)}))
        get.append(["/backup/list.csv", r.choice([None, None, "0-%d" % r.randint(1500, 9000)])])
    return SC(f"203.0.113.{r.randint(201, 235)}", "files", "FILE", probe=["/backup/", "/backup/db.sql", "/backup.zip"], get=get), {"plant": plant}
