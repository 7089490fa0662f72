#include "partition.h"

int64_t cc_tile_count(const cc_tile_grid *grid)
{
    return grid->groups * ceil_div(grid->images, grid->together) * grid->depths * grid->row.tiles *
           grid->column.tiles;
}

cc_tile cc_tile_at(const cc_tile_grid *grid, int64_t index)
{
    const int64_t columns = grid->column.tiles, rows = grid->row.tiles;
    const int64_t windows = grid->depths * rows * columns;
    const int64_t of_group =
        grid->together == 1 ? grid->images : ceil_div(grid->images, grid->together);
    cc_tile t = {.window = windows == 1 ? 0 : index % windows};
    const int64_t range = windows == 1 ? index : index / windows; /* of images, in a group */
    t.group = grid->groups == 1 ? 0 : range / of_group;
    t.image = (range - t.group * of_group) * grid->together;
    t.images = min(grid->together, grid->images - t.image);
    const int64_t line = columns == 1 ? t.window : t.window / columns;
    const int64_t column = t.window - line * columns;
    t.origin[CC_DEPTH] = grid->depths == 1 ? 0 : line / rows;
    const int64_t row = line - t.origin[CC_DEPTH] * rows;
    t.count[CC_DEPTH] = 1;
    t.origin[CC_ROW] = cc_tile_axis_start(&grid->row, row);
    t.count[CC_ROW] = cc_tile_axis_start(&grid->row, row + 1) - t.origin[CC_ROW];
    t.origin[CC_COLUMN] = cc_tile_axis_start(&grid->column, column);
    t.count[CC_COLUMN] = cc_tile_axis_start(&grid->column, column + 1) - t.origin[CC_COLUMN];
    return t;
}
