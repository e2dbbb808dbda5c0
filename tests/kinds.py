"""Networks of the registry, one of each kind: funnels differ in their widths alone."""

from kwslib import models

KINDS = [name for name in models.names() if name == "funnel_small" or "funnel" not in name]
