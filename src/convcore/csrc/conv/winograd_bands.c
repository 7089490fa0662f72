/* How outputs are cut into bands of tiles, and what a band sees, brought to a worker's memory. */
#include "winograd.h"

#include <string.h>

/* Most tiles of a band. */
enum { BAND_TILES = 32 };

cc_winograd_bands cc_winograd_cut(const cc_conv *p, int size)
{
    cc_winograd_bands bands = {.size = size, .products = 1};
    bands.grid = (cc_tile_grid){
        .groups = p->groups, .images = p->n, .together = 1, .depths = p->axis[CC_DEPTH].out};
    for (int a = 0; a < CC_AXES; a++) {
        bands.points[a] = p->axis[a].kernel == CC_WINOGRAD_TAPS ? CC_WINOGRAD_POINTS : 1;
        bands.products *= bands.points[a];
    }
    cc_tile_axis *axis[CC_AXES] = {NULL, &bands.grid.row, &bands.grid.column};
    for (int a = CC_ROW; a <= CC_COLUMN; a++) {
        const int outputs = cc_winograd_outputs(&bands, a);
        const int64_t tiles = ceil_div(p->axis[a].out, outputs);
        bands.most = a == CC_ROW ? 1 : ceil_div(tiles, ceil_div(tiles, BAND_TILES));
        *axis[a] = (cc_tile_axis){.outputs = p->axis[a].out,
                                  .tiles = ceil_div(tiles, bands.most),
                                  .size = bands.most * outputs};
    }
    bands.count = cc_tile_count(&bands.grid) / p->groups;
    return bands;
}

cc_input_tile cc_winograd_input(const cc_winograd_bands *bands, const cc_conv *problem,
                                int64_t channels, int lanes)
{
    cc_input_tile tile = cc_input_tile_start(problem, false, channels, lanes);
    tile.in_place = false;
    tile.channels_last = true;
    tile.axis[CC_DEPTH].outputs = 1;
    tile.axis[CC_ROW].outputs = bands->grid.row.size;
    tile.axis[CC_COLUMN].outputs = bands->grid.column.size;
    cc_input_tile_layout(&tile);
    return tile;
}

/* Of the outputs, a band sees what a convolution of one tap sees. */
cc_input_tile cc_winograd_grads(const cc_winograd_bands *bands, const cc_conv *problem,
                                int64_t channels, int lanes)
{
    cc_conv outputs = *problem;
    outputs.c = problem->k;
    memset(outputs.border, 0, sizeof outputs.border);
    for (int a = 0; a < CC_AXES; a++) {
        const int64_t out = problem->axis[a].out;
        outputs.axis[a] = (cc_axis){.in = out, .kernel = 1, .stride = 1, .dilation = 1, .out = out};
    }
    return cc_winograd_input(bands, &outputs, channels, lanes);
}

/* What a whole tile sees beyond what the outputs that there are see: zeros. */
static void fill_rest(const cc_input_tile *layout, const cc_kernels *kernels, const cc_tile *band,
                      char *first)
{
    const cc_input_axis *row = &layout->axis[CC_ROW], *column = &layout->axis[CC_COLUMN];
    const ptrdiff_t size = kernels->size;
    const int64_t rows = band->count[CC_ROW] + row->of.kernel - 1;
    const int64_t columns = band->count[CC_COLUMN] + column->of.kernel - 1;
    for (int64_t r = 0; r < row->extent; r++) {
        const int64_t from = r < rows ? columns : 0;
        memset(first + (r * row->pitch + from * column->pitch) * size, 0,
               (size_t)((column->extent - from) * column->pitch * size));
    }
}

const char *cc_winograd_bring(const cc_input_tile *layout, const cc_kernels *kernels,
                              const cc_tile *band, const char *src, cc_input_room *room)
{
    const cc_input_view view = cc_input_tile_view(layout, kernels, band, src, room);
    const cc_input_axis *row = &layout->axis[CC_ROW], *column = &layout->axis[CC_COLUMN];
    if (band->count[CC_ROW] < row->outputs || band->count[CC_COLUMN] < column->outputs)
        fill_rest(layout, kernels, band, room->memory + layout->front_pad * kernels->size);
    return view.first;
}

void cc_winograd_to_points(const cc_winograd_bands *bands, const cc_input_tile *layout,
                           const cc_tile *band, const cc_winograd_transform *transform,
                           const char *from, char *to)
{
    const ptrdiff_t column = layout->axis[CC_COLUMN].pitch;
    const cc_winograd args = {.rows = bands->points[CC_ROW],
                              .columns = bands->points[CC_COLUMN],
                              .channels = transform->channels,
                              .row = layout->axis[CC_ROW].pitch,
                              .column = column,
                              .point = transform->point};
    const ptrdiff_t step = cc_winograd_outputs(bands, CC_COLUMN) * column * bands->size;
    for (int64_t i = 0; i < cc_winograd_tiles(bands, band); i++)
        transform->kernel(&args, from + i * step, to + i * transform->tile * bands->size);
}
