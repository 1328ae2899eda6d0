"""Options of the decision: from a network's outputs to probabilities, and from them to a class."""

from __future__ import annotations

from typing import Annotated, Literal, final

from msgspec import Meta, Struct, field

from steepest.tabular.flag import Flag


@final
class Decision(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is made of the probabilities of classes once the network is trained."""

    calibration: Annotated[
        Literal["auto", "temperature", "none"],
        Meta(
            description="temperature: outputs are divided by one number that validation rows "
            "choose; auto: where it helps beyond chance"
        ),
        Flag("Temperature scaling on validation rows: auto, temperature, none."),
    ] = "auto"
    threshold: Annotated[
        Literal["none", "accuracy", "balanced_accuracy", "f1"] | Annotated[float, Meta(gt=0, lt=1)],
        Meta(
            description="probability from which on the second of two classes is predicted; a "
            "score: the best for it on validation rows; none: the likeliest class"
        ),
        Flag("Predict the second class from this probability on; or f1, ...", "P|SCORE"),
    ] = "none"
    costs: Annotated[
        dict[str, Annotated[float, Meta(ge=0, le=1e9)]],
        Meta(
            description="of mistakes, the class of least expected cost is predicted: {fp = 1, "
            'fn = 5}, or {"actual:predicted" = 5}; 1 where nothing is said'
        ),
        Flag("Costs of mistakes: fp=1,fn=5 or ACTUAL:PREDICTED=5.", "MISTAKE=COST", several=True),
    ] = field(default_factory=dict[str, float])
