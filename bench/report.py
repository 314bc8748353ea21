"""Compares the figures: the cost of each case, as ratios to the other servers of the same run."""

Figures = dict[str, float]
BARE, DRF = "bare view", "DRF"
COUNTERSIGN, NODE, DOT, SIMPLEJWT = "countersign", "node-oidc-provider", "django-oauth-toolkit", "SimpleJWT"
KEYCLOAK, HYDRA, RAUTHY, FORMANCE = "Keycloak", "Ory Hydra", "Rauthy", "Formance ledger"
_SHORT = {
    NODE: "x node", DOT: "x DOT", KEYCLOAK: "x Keycloak", HYDRA: "x Hydra", RAUTHY: "x Rauthy", FORMANCE: "x Formance",
    SIMPLEJWT: "x SimpleJWT", DRF: "x DRF", BARE: "x bare",
}  # fmt: skip
#: The field names of the ratios to other servers.
COLUMNS = tuple(_SHORT.values())


def cost(figures: Figures) -> float:
    """CPU of the server and of its database, in µs per request."""
    return figures["server_us"] + figures["database_us"]


def compared(figures: dict[tuple[str, str], Figures]) -> dict[tuple[str, str], Figures]:
    """Adds ratios to the figures: Countersign to each other server that has the same case, and every server to the bare
    view.
    """
    (floor,) = (cost(values) for (server, _), values in figures.items() if server == BARE)
    for (server, case), values in figures.items():
        values[_SHORT[BARE]] = cost(values) / floor
        if server == COUNTERSIGN:
            for peer in (NODE, DOT, KEYCLOAK, HYDRA, RAUTHY, FORMANCE, SIMPLEJWT, DRF):
                if other := figures.get((peer, case)):
                    values[_SHORT[peer]] = cost(values) / cost(other)
    return figures


def print_table(figures: dict[tuple[str, str], Figures]) -> None:
    print("CPU in µs per request, SQL statements per request; ratios are of server and database together.")
    print(
        f"{'server':22}{'case':32}{'server':>8}{'db':>7}{'SQL':>6}{'req/s':>8}{'p50 ms':>8}{'p99 ms':>8}"
        + "".join(f"{name:>12}" for name in _SHORT.values())
    )
    for (server, case), f in figures.items():
        ratios = "".join(f"{f[name]:12.2f}" if name in f else " " * 12 for name in _SHORT.values())
        print(
            f"{server:22}{case:32}{f['server_us']:8.0f}{f['database_us']:7.0f}{f['statements']:6.1f}"
            f"{f['requests_per_second']:8.0f}{f['p50_ms']:8.2f}{f['p99_ms']:8.2f}{ratios}"
        )


def print_footprints(footprints: dict[str, Figures]) -> None:
    print(
        "From the start of the server's process to its first answer (of an authorization server: a token), and memory."
    )
    print(f"{'server':22}{'start s':>9}{'CPU s':>8}{'MB then':>9}{'MB after all cases':>20}")
    for server, f in footprints.items():
        numbers = f"{f['start_seconds']:9.2f}{f['start_cpu_seconds']:8.2f}{f['idle_mb']:9.0f}{f['loaded_mb']:20.0f}"
        print(f"{server:22}{numbers}")
