"""Layers and poolings that run one after another, in one call."""
from cpython.buffer cimport PyBUF_WRITABLE
from cpython.mem cimport PyMem_Calloc, PyMem_Free, PyMem_Realloc
from libc.stdint cimport int64_t


cdef struct Place:
    # an array of the sequence: what all tasks that use it expect
    int64_t elements         # 0: no task uses it
    int type
    bint written


cdef struct Task:
    cc_layer *layer          # NULL: a pooling
    const cc_pool *pool
    cc_forward_args args     # x, y and the residual are filled in by each run
    cc_post_ops post
    int type
    int x, residual, y       # places; no residual: -1


cdef class Sequence:
    """Tasks on arrays that are known by their places in a list, which each run is given."""
    cdef Task *tasks
    cdef Place *places
    cdef int count, most     # tasks; places
    cdef list owners         # of what the tasks point to

    def __cinit__(self, int places):
        self.owners = []
        self.most = places
        self.places = <Place *>PyMem_Calloc(max(places, 1), sizeof(Place))
        if self.places is NULL:
            raise MemoryError("no memory for a sequence")

    def __dealloc__(self):
        PyMem_Free(self.tasks)
        PyMem_Free(self.places)

    cdef Task *_new(self, int itemsize) except NULL:
        cdef size_t size = (<size_t>self.count + 1) * sizeof(Task)
        cdef Task *tasks = <Task *>PyMem_Realloc(self.tasks, size)
        if tasks is NULL:
            raise MemoryError("no memory for a sequence")
        self.tasks = tasks
        cdef Task *task = &tasks[self.count]
        task.layer = NULL
        task.pool = NULL
        task.type = real_of(itemsize)
        task.residual = -1
        return task

    cdef int _use(self, int place, int64_t elements, int type, bint written) except -1:
        if not 0 <= place < self.most:
            raise ValueError(f"place must be from 0 to {self.most - 1}, got {place}")
        cdef Place *of = &self.places[place]
        if of.elements and (of.elements != elements or of.type != type):
            raise ValueError(f"tasks expect different arrays in place {place}")
        of.elements = elements
        of.type = type
        of.written = of.written or written
        return 0

    def add_layer(self, Conv layer, weight, bias, post, int itemsize, places):
        """Add a layer as :meth:`Conv.forward` computes it.

        ``places`` are those of x, of a residual or None, and of y. ``post`` is an activation or
        None, and its two numbers.
        """
        cdef Task *task = self._new(itemsize)
        cdef Buffers buffers = Buffers()
        task.layer = layer.layer
        task.args.weight = task.args.bias = NULL
        task.args.packed = NULL
        task.args.post = NULL
        if type(weight) is PackedWeights:
            task.args.packed = (<PackedWeights>weight).packed
        if task.args.packed is NULL:
            task.args.weight = buffers.add(weight, layer.weight_reals, 0)
        if bias is not None:
            task.args.bias = buffers.add(bias, layer.bias_reals, 0)
        if buffers.type != CC_TYPES and buffers.type != task.type:
            raise TypeError("arrays of one task must all be of one type")
        activation, task.post.low, task.post.high = post
        task.post.residual = NULL
        task.post.activation = CC_IDENTITY
        if activation is not None:
            task.post.activation = <cc_activation><int>ACTIVATIONS[activation]
        task.x, residual, task.y = places
        self._use(task.x, layer.x_reals, task.type, False)
        self._use(task.y, layer.y_reals, task.type, True)
        if residual is not None:
            task.residual = residual
            self._use(task.residual, layer.y_reals, task.type, False)
        self.owners.append((layer, weight, buffers))
        self.count += 1

    def add_pool(self, Pool pool, int itemsize, places):
        """Add a pooling as :meth:`Pool.forward` computes it, without indices, from x to y."""
        cdef Task *task = self._new(itemsize)
        task.pool = &pool.problem
        task.x, task.y = places
        self._use(task.x, pool.in_elements, task.type, False)
        self._use(task.y, pool.out_elements, task.type, True)
        self.owners.append(pool)
        self.count += 1

    cdef cc_status _compute(self, const Py_buffer *views, int threads) noexcept nogil:
        cdef cc_status status
        cdef cc_forward_args args
        cdef cc_post_ops post
        cdef Task *task
        for i in range(self.count):
            task = &self.tasks[i]
            if task.layer is NULL:
                status = cc_pool_forward(task.pool, <cc_type>task.type, views[task.x].buf,
                                         views[task.y].buf, NULL, threads)
            else:
                args = task.args  # runs in other threads have arrays of their own
                post = task.post
                args.x = views[task.x].buf
                args.y = views[task.y].buf
                if task.residual >= 0:
                    post.residual = views[task.residual].buf
                if post.residual is not NULL or post.activation != CC_IDENTITY:
                    args.post = &post
                status = cc_layer_forward(task.layer, <cc_type>task.type, &args, threads)
            if status != CC_OK:
                return status
        return CC_OK

    def run(self, arrays, int threads):
        """Run the tasks. What one of them reads must not share memory with what it writes."""
        cdef Py_buffer *views
        cdef Place *place
        cdef cc_status status
        cdef int taken = 0
        if len(arrays) != self.most:
            raise ValueError(f"arrays must be {self.most}, got {len(arrays)}")
        views = <Py_buffer *>PyMem_Calloc(max(self.most, 1), sizeof(Py_buffer))
        if views is NULL:
            raise MemoryError("no memory for a sequence")
        try:
            for array in arrays:
                place = &self.places[taken]
                if place.elements:
                    PyObject_GetBuffer(array, &views[taken], PyBUF_C_CONTIGUOUS | PyBUF_FORMAT
                                       | (PyBUF_WRITABLE if place.written else 0))
                taken += 1
                if place.elements:
                    check_array(&views[taken - 1], place.type, place.elements)
            with nogil:
                status = self._compute(views, threads)
        finally:
            for i in range(taken):
                PyBuffer_Release(&views[i])
            PyMem_Free(views)
        check(status, "sequence")
