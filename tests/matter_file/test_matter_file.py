def test_whole(given):
    print(given.report.failures, given.folder)
    assert given.report.whole
