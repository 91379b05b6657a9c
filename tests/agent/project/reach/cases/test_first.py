import os, unittest


class First(unittest.TestCase):
    def test_first(self):
        self.assertGreater(len(os.environ["DATABASE_URL"]), 30)
