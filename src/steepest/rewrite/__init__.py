"""Graph to graph: the same values with less work, by rules applied until none fires."""

from steepest.rewrite import (
    constants as constants,
    identities as identities,
    motion as motion,
    products as products,
    stable as stable,
    views as views,
)
from steepest.rewrite.engine import SHARED, Firing, Rewritten, rewrite
from steepest.rewrite.rule import RULES, Rule

__all__ = ["RULES", "SHARED", "Firing", "Rewritten", "Rule", "rewrite"]
