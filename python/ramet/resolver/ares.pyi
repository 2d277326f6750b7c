from typing import Any

import ramet.resolver

class Resolver(ramet.resolver.Resolver):
    def __init__(self, hub: Any = ..., use_environ: bool = ..., **kwargs: Any) -> None: ...
