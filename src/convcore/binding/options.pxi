"""Options as callers give them."""


cdef bint is_plain_at(object value, int depth) noexcept:
    if type(value) is int or type(value) is str or value is None:
        return True
    if type(value) is not tuple or depth == 0:
        return False
    for entry in <tuple>value:
        if not is_plain_at(entry, depth - 1):
            return False
    return True


def is_plain(value):
    """Whether it is made of integers, words, None and tuples of them alone.

    Only then do equal options mean the same: True equals 1.
    """
    return is_plain_at(value, 4)
