/* What the parts of a pooling share: the job, and what one part works with. */
#ifndef CC_POOL_H
#define CC_POOL_H

#include "pool_plan.h"

/* What a part works in: bytes from the start of its scratch. */
typedef struct {
    size_t columns, counted, divisors, rows, sources, ranks, folded, turned, steps, sums, largest,
        padded, place, rank, bytes;
} cc_pool_layout;

typedef struct {
    cc_pool_plan plan;
    const char *x;
    char *y;
    int64_t *index; /* NULL: values alone */
    cc_pool_layout layout;
    char *parts; /* scratch of part 0, 1, ... */
} cc_pool_job;

typedef struct {
    const cc_pool_plan *plan;
    const char *x;
    char *y;
    int64_t *index;
    cc_pool_tile tile;
    cc_window *columns; /* of the tile's outputs */
    double *counted;    /* what a mean divides by in each column, in an output line ... */
    char *divisors;     /* ... whose rows count `counted_rows`; as reals */
    double counted_rows;
    const void **rows;     /* of a fold */
    const void **sources;  /* the rows that the horizontal step folds */
    const int32_t **ranks; /* of a fold of places */
    char *folded;          /* rows of the tile, one for each line of a block (and plane) */
    char *turned;          /* the same, with planes as lanes */
    char *steps;           /* of a ladder, or a long window's pieces */
    char *sums, *largest;  /* of a block of outputs */
    /* climb_rows(): padded rows; lines from <= line < to of their folds are done */
    char *padded;
    int64_t climbed_from, climbed_to, padded_first;
    /* climb_columns(): the rows of its last step for these lines; 0: still to be climbed */
    ptrdiff_t last_steps;
    const char *last[3];
    int32_t *place, *rank;
} cc_pool_work;

/* Lines that are done together, in all planes of the tile, and where their folded rows are. */
typedef struct {
    int64_t line, count, advance;
    cc_window depth, row;
    /* the rows in work->sources begin at cell `origin` of the first plane's first line; a folded
     * row is one, else there are those of a window of the input, which nobody has looked at yet */
    ptrdiff_t rows;
    bool folded;
    ptrdiff_t pitch, plane; /* from a line's to the next's, from a plane's to the next's */
    ptrdiff_t lanes;        /* of a cell there */
    int64_t planes;         /* that do not lie in lanes */
    ptrdiff_t from, to;     /* elements that there are */
} cc_pool_block;

/* Rows of scratch may be read beyond the cells of a window. */
enum { CC_POOL_EVERYWHERE = 1 << 30 };

/* How rows are folded that are lifted already, and where somebody has looked for NaN too. */
cc_fold cc_pool_without_lift(cc_fold how);
cc_fold cc_pool_looked_at(cc_fold how);
bool cc_pool_takes_largest(cc_fold how);

/* The tile's first cell in a row of a plane. */
const char *cc_pool_input(const cc_pool_work *w, int64_t plane, int64_t depth, int64_t row);

/* Writes the lowest element, or zeros. */
void cc_pool_fill(const cc_kernels *k, char *to, ptrdiff_t count, bool lowest);

/* The vertical step of a line and those that follow it: into work->folded. Returns whether CC_MAX
 * has seen a NaN. */
bool cc_pool_climb_rows(cc_pool_work *w, cc_fold how, int64_t line);

/* The horizontal step of a block but for its last fold, of 2 or 3 rows in work->rows; how many. */
ptrdiff_t cc_pool_climb_columns(cc_pool_work *w, cc_fold how, const cc_pool_block *b);

/* The rows of one plane that windows of these depths and rows hold: into work->rows. */
ptrdiff_t cc_pool_rows(const cc_pool_work *w, int64_t plane, const cc_window *depth,
                       const cc_window *row);

/* The tile's first output in a line of a plane. */
char *cc_pool_output(const cc_pool_work *w, int64_t plane, int64_t line);

/* Fills what `count` rows like the folded ones hold beside the input: a value that changes no
 * maximum
 * (`lowest`) or no sum. */
void cc_pool_fill_margins(const cc_pool_work *w, char *rows, int64_t count, bool lowest);

/* Elements of the tile's folded row before the first cell of the input. */
ptrdiff_t cc_pool_margin(const cc_pool_work *w);

/* All lines of the tile. Unless `exact`, maxima may lose a NaN: then returns false, and it is to be
 * done again. */
bool cc_pool_fold_lines(cc_pool_work *w, bool exact);

/* Whether windows are folded by their largest cell. */
bool cc_pool_is_maximum(const cc_pool *problem);

/* Maxima and their places for all lines of the tile. */
void cc_pool_find_places(cc_pool_work *w);

#endif
