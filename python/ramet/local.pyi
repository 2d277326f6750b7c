from ramet._core import local as local
