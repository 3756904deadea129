"""All generators of random cases of com.microsoft operators for check_contrib.py: each draws shapes, attributes and optional inputs."""
from contrib_case import GENERATORS

# Importing a family adds its generators.
import contrib_cases_float
import contrib_cases_attention
import contrib_cases_quantized
import contrib_cases_misc

__all__ = ["GENERATORS"]
