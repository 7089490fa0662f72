/* What the tasks of a pooling share: the job, and what one task works with. */
#ifndef CC_POOL_WORK_H
#define CC_POOL_WORK_H

#include "plan.h"

/* What a task works in: bytes from the start of its scratch. */
typedef struct {
    size_t columns, alike, counted, divisors, rows, sources, ranks, reduced, transposed, steps,
        sums, largest, padded, constants, shown, other, offset, rank, bytes;
} cc_pool_layout;

typedef struct {
    cc_pool_plan plan;
    const char *x;
    char *y;
    int64_t *index; /* NULL: values alone */
    cc_pool_layout layout;
    char *tasks; /* scratch of task 0, 1, ... */
} cc_pool_job;

typedef struct {
    const cc_pool_plan *plan;
    const char *x;
    char *y;
    int64_t *index;
    cc_pool_tile tile;
    cc_window *columns; /* of the tile's outputs */
    int64_t *alike;     /* of each: the output before which those end that count as many columns */
    double *counted;    /* what a mean divides by in each column, in an output line ... */
    char *divisors;     /* ... whose rows count `counted_rows`; as reals */
    double counted_rows;
    const void **rows;     /* of a reduction */
    const void **sources;  /* the rows that the horizontal step reduces */
    const int32_t **ranks; /* of a reduction of offsets */
    char *reduced;         /* rows of the tile, one for each line of a block (and plane) */
    char *transposed;      /* the same, with planes as lanes */
    char *steps;           /* of doubling, or a long window's pieces */
    char *sums, *largest;  /* of a block of outputs */
    /* double_rows(): padded rows; lines from <= line < to of what they give are done */
    char *padded;
    int64_t doubled_from, doubled_to, padded_first;
    /* double_columns(): the rows of its last step for these lines; 0: still to be doubled */
    ptrdiff_t last_steps;
    const char *last[3];
    char *constants;  /* rows of those that borders hold */
    ptrdiff_t *shown; /* of columns beside the input: elements of the reduced row that they show */
    int64_t constant_terms; /* those in the reduced rows were reduced from so many; 0: none are */
    cc_reduction constant_how;
    int64_t *other, others; /* columns that show what the tile does not have */
    int32_t *offset, *rank;
} cc_pool_work;

/* Lines that are done together, in all planes of the tile, and where their reduced rows are. */
typedef struct {
    int64_t line, count, advance;
    cc_window depth, row;
    /* the rows in work->sources begin at cell `origin` of the first plane's first line; a reduced
     * row is one, else there are those of a window of the input, which nobody has looked at yet */
    ptrdiff_t rows;
    bool reduced;
    ptrdiff_t pitch, plane; /* from a line's to the next's, from a plane's to the next's */
    ptrdiff_t lanes;        /* of a cell there */
    int64_t planes;         /* that do not lie in lanes */
    ptrdiff_t from, to;     /* elements that there are */
} cc_pool_block;

/* Fewer alike outputs of a row are reduced one by one. */
enum { CC_POOL_PICKED = 8 };

/* Rows of scratch may be read beyond the cells of a window. */
enum { CC_POOL_EVERYWHERE = 1 << 30 };

/* How rows are reduced that are mapped already, and where somebody has looked for NaN too. */
cc_reduction cc_pool_without_map(cc_reduction how);
cc_reduction cc_pool_nan_checked(cc_reduction how);
bool cc_pool_takes_largest(cc_reduction how);

/* The input's cell `column` in a row of a plane, or of what that row shows. */
const char *cc_pool_input(const cc_pool_work *w, int64_t plane, int64_t depth, int64_t row,
                          int64_t column);

/* Writes the lowest element, or zeros. */
void cc_pool_fill(const cc_kernels *k, char *to, ptrdiff_t count, bool lowest);

/* Where a block's results go. */
typedef struct {
    char *to;
    ptrdiff_t line, plane;
} cc_pool_target;

/* The horizontal step of a block: reduces work->sources into its results. Returns whether CC_MAX
 * has seen a NaN. */
bool cc_pool_reduce_columns(cc_pool_work *w, cc_reduction how, const cc_pool_block *b,
                            const cc_pool_target *dst);

/* The vertical step of a line and those that follow it: into work->reduced. Returns whether CC_MAX
 * has seen a NaN. */
bool cc_pool_double_rows(cc_pool_work *w, cc_reduction how, int64_t line);

/* The horizontal step of a block but for its last reduction, of 2 or 3 rows in work->rows; how
 * many. */
ptrdiff_t cc_pool_double_columns(cc_pool_work *w, cc_reduction how, const cc_pool_block *b);

/* The input's first column in the tile. */
static inline int64_t cc_pool_first_column(const cc_pool_work *w)
{
    const cc_pool_tile *t = &w->tile;
    return t->shown_from < t->shown_to ? t->shown_from - w->plan->axis[CC_COLUMN].before : 0;
}

/* The rows of one plane that windows of these depths and rows hold, from the input's cell `column`
 * on: into work->rows. */
ptrdiff_t cc_pool_rows(const cc_pool_work *w, int64_t plane, const cc_window *depth,
                       const cc_window *row, int64_t column);

/* The cells of one plane that a window holds, each alone: into work->rows. */
ptrdiff_t cc_pool_cells(const cc_pool_work *w, int64_t plane, const cc_window *depth,
                        const cc_window *row, const cc_window *column);

/* Elements of an output line of a plane, and the tile's first in it. */
ptrdiff_t cc_pool_line_elements(const cc_pool_plan *plan);
char *cc_pool_output(const cc_pool_work *w, int64_t plane, int64_t line);

/* Fills what `count` rows like the reduced ones hold beside the input: a value that changes no
 * maximum
 * (`lowest`) or no sum. */
void cc_pool_fill_margins(const cc_pool_work *w, char *rows, int64_t count, bool lowest);

/* Elements of the tile's reduced row before the first cell of the input. */
ptrdiff_t cc_pool_margin(const cc_pool_work *w);

/* All lines of the tile. Unless `exact`, maxima may lose a NaN: then returns false, and it is to be
 * done again. */
bool cc_pool_reduce_lines(cc_pool_work *w, bool exact);

/* Whether windows are reduced by their largest cell. */
bool cc_pool_is_maximum(const cc_pool *problem);

/* Maxima and their offsets for all lines of the tile. */
void cc_pool_find_offsets(cc_pool_work *w);

#endif
