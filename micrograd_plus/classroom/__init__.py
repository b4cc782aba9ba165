"""For teachers: assignments made from one file, and grading. Nothing heavy is imported here."""

from .assignment import make as make
from .calls import GradedCall as GradedCall
from .calls import graded_calls as graded_calls
from .notebook_files import UnreadableFile as UnreadableFile
from .notebook_files import code_cells as code_cells
from .regions import AssignmentError as AssignmentError
