"""What came of each mailing: who read it where, what the cascade saved, and what went to numbers that are dead.

Three questions to a running Kaskad, joined with polars. The cells (# %%) run one by one in an editor that knows them, or
all at once: python examples/mailings.py --url http://127.0.0.1:8080
Money is a Decimal from the answer to the printed line; rates are sums divided last, with what they are of.
"""

# %% Where Kaskad is, and how to ask it

import argparse
import io
import os
import urllib.parse
import urllib.request

import polars as pl

options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
options.add_argument("--url", default=os.environ.get("KASKAD_URL", "http://127.0.0.1:8080"))
options.add_argument("--key", default=os.environ.get("KASKAD_KEY"), help="scopes analyst and crm; better as KASKAD_KEY")
options.add_argument("--account", action="append", default=[], help="of these accounts alone")
options.add_argument("--from", dest="start", help="the period begins, as 2026-11-01; the last 400 days without it")
options.add_argument("--to", dest="end", help="and ends before")
options.add_argument("--csv", help="file for the joined table")
chosen = options.parse_args()

readers = {"arrow": pl.read_ipc_stream, "parquet": pl.read_parquet}


def ask(path, form="arrow", **parameters):
    """All rows of a report or list: page by page, for as long as there is a next one."""
    parameters |= {"format": form, "account": chosen.account, "limit": parameters.get("limit", 10_000)}
    headers = {"Authorization": f"Bearer {chosen.key}"} if chosen.key else {}
    pages = []
    while True:
        query = urllib.parse.urlencode({k: v for k, v in parameters.items() if v}, doseq=True)
        with urllib.request.urlopen(urllib.request.Request(f"{chosen.url}{path}?{query}", headers=headers)) as answer:
            pages.append(readers[form](io.BytesIO(answer.read())))
            parameters["cursor"] = answer.headers.get("Kaskad-Next-Cursor")
        if not parameters["cursor"]:
            return pl.concat(pages)


period = {"from": chosen.start, "to": chosen.end}

# %% Who reads what: of each mailing the channel with the best open rate, with its interval and what it is of
# A channel that reports no reads has no rate (null), and is no candidate: that is not a rate of 0.

opens = ask("/v1/reports/channels", group_by="account,campaign,channel", **period)
best = (
    opens.filter(pl.col("open_rate").is_not_null())
    .sort("open_rate_low", descending=True)  # the lower bound: 2 readers of 2 are no champions
    .group_by("account", "campaign", maintain_order=True)
    .first()
    .select("account", "campaign", "channel", "open_num", "open_den", "open_rate", "open_rate_bound")
)

# %% What the cascades saved against plain SMS, on messages that reached somebody

savings = ask("/v1/reports/savings", group_by="account,campaign", **period).select(
    "account", "campaign", "currency", "priced_messages", "unpriced", "sms_only_cost", "actual_cost", "saved_reached"
)

# %% What went to numbers while they were dead, by mailing; and the dead list itself, by account

dead_spend = ask("/v1/reports/dead-spend", group_by="account,campaign", **period).select(
    "account", "campaign", "currency", pl.col("attempts").alias("dead_attempts"), "avoidable_cost"
)
dead = ask("/v1/numbers/dead", "parquet", limit="all")
dead_by_account = dead.group_by("account", "currency").agg(
    pl.len().alias("dead_numbers"), pl.col("wasted_cost").sum()
)

# %% All three side by side. Who spent nothing on dead numbers has no row there: null, which is 0 here

keys = ["account", "campaign", "currency"]
mailings = (
    savings.join(best, on=["account", "campaign"], how="left")
    .join(dead_spend, on=keys, how="left")
    .with_columns(pl.col("dead_attempts").fill_null(0), pl.col("avoidable_cost").fill_null(0))
    .sort("saved_reached", "account", "campaign", descending=[True, False, False], nulls_last=True)
)
for name in ["sms_only_cost", "actual_cost", "saved_reached", "avoidable_cost"]:
    assert isinstance(mailings.schema[name], pl.Decimal), f"{name} is no exact decimal"

# %% Show it

SIGNS = {"lower": "≥", "upper": "≤", "mixed": "~"}


def money(amount):
    return "–" if amount is None else f"{amount:,.2f}".replace(",", " ")


print(f"{'mailing':32} {'best channel':12} {'read':>7} {'of':>9} {'':12} {'saved':>12} {'paid':>12} {'to the dead':>12}")
for m in mailings.head(20).iter_rows(named=True):
    name = f"{m['account']}: {m['campaign'] or 'no campaign'}"
    rate = m["open_rate"]
    read = "–" if rate is None else f"{SIGNS.get(m['open_rate_bound'], '')}{100 * rate:.1f} %"
    bar = "" if rate is None else "█" * round(12 * rate)
    print(
        f"{name[:32]:32} {m['channel'] or '–':12} {read:>7} {m['open_den'] or 0:9,} {bar:12} "
        f"{money(m['saved_reached']):>12} {money(m['actual_cost']):>12} {money(m['avoidable_cost']):>12} {m['currency']}"
    )

print()
for currency, amount in mailings.group_by("currency").agg(pl.col("saved_reached").sum()).sort("currency").iter_rows():
    print(f"Saved in all, on whom it reached: {money(amount)} {currency}".rstrip())
for account, currency, numbers, wasted in dead_by_account.sort("account", "currency").iter_rows():
    print(f"{account} has {numbers:,} dead numbers; messages to them wasted {money(wasted)} {currency}".rstrip())
if dead.is_empty():
    print("No number is dead.")
if chosen.csv:
    mailings.write_csv(chosen.csv)
