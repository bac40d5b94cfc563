from Cython.Build import cythonize
from setuptools import Extension, setup

import concurrent_collections

totals = Extension("totals", ["totals.pyx"], include_dirs=[concurrent_collections.get_include()])
setup(ext_modules=cythonize([totals]), py_modules=[])
