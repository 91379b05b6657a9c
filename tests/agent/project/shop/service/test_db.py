import unittest

from service.db import connect


class Connects(unittest.TestCase):
    def test_connects(self):
        self.assertTrue(connect())
