"""Who published a figure of others, as a record's source names them."""


def repository_of(source: str) -> str:
    """Of code, its repository; of the rest, its first words.

    >>> repository_of("github.com/somebody/project, section 6")
    'somebody/project'
    """
    return source.removeprefix("github.com/").split(",")[0].split(":")[0]


def author_of(source: str) -> str:
    """Of code, its author; of the rest, the source itself.

    >>> author_of("github.com/somebody/project, section 6")
    'somebody'
    """
    return source.split("/")[1] if source.startswith("github.com/") else source
