"""Learning-rate schedules: functions of the step (or of the epoch), for numbers and in graphs.

A schedule is called with a number to see it, or drawn before training
(:func:`steepest.report.plot_schedule`); inside of a training step the same definition is traced.
t counts from 0.
"""

from steepest.optim.schedules import composition, cosine, decay, plateau, schedule
from steepest.optim.schedules.composition import *
from steepest.optim.schedules.cosine import *
from steepest.optim.schedules.decay import *
from steepest.optim.schedules.plateau import *
from steepest.optim.schedules.schedule import *

__all__: list[str] = []
__all__ += composition.__all__
__all__ += cosine.__all__
__all__ += decay.__all__
__all__ += plateau.__all__
__all__ += schedule.__all__
