"""`Lab` as notebooks have it: it knows what the other notebooks of its profile will ask of the same runs.

Studies are made with a lab, so the lab that they are made with cannot know them; this one, above both, can.
"""

from __future__ import annotations

from xlt.lab import lab, studies
from xlt.lab.jobs import Wanted


class Lab(lab.Lab):
    __doc__ = lab.Lab.__doc__

    def _asked(self, wanted: list[Wanted]) -> list[Wanted]:
        """What the whole profile asks, and what is asked here; with `resources.keep: runs` nothing is to be dropped."""
        return [] if self.profile.resources.keep == "runs" else [*studies.asked(self), *wanted]
