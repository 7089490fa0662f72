"""The words of the moving pictures by language: labels in them, a title and a text for each."""

LABELS = {
    "en": {
        "input": "input",
        "kernel": "kernel",
        "kernels": "kernels",
        "output": "output",
        "reuse": "Moving picture, free to reuse",
    },
    "zh_CN": {
        "input": "输入",
        "kernel": "核",
        "kernels": "各个核",
        "output": "输出",
        "reuse": "动图，可自由使用",
    },
}

# (title, what a reader who can't see the picture has to know)
TEXTS = {
    "en": {
        "valid": (
            "Valid convolution",
            "A window of 3 x 3 cells moves over an input of 5 x 5. At each of its 3 x 3 places its "
            "cells are multiplied by the weights of the kernel, and the sum is one output.",
        ),
        "same": (
            "Same convolution",
            "An input of 5 x 5 cells has one row or column of zeros on each side. A window of "
            "3 x 3 has 5 x 5 places on it, so there are as many outputs as cells.",
        ),
        "full": (
            "Full convolution",
            "An input of 3 x 3 cells has two rows or columns of zeros on each side. A window of "
            "3 x 3 has 5 x 5 places on it, and each cell is seen from nine of them.",
        ),
        "stride": (
            "Convolution with stride 2",
            "A window of 3 x 3 cells moves over an input of 7 x 7 in steps of two cells, along "
            "rows and columns. It has 3 x 3 places.",
        ),
        "dilation": (
            "Convolution with dilation 2",
            "The nine cells that meet the 3 x 3 weights lie two cells apart. So they span 5 x 5 "
            "cells of an input of 7 x 7, and there are 3 x 3 outputs.",
        ),
        "transposed": (
            "Transposed convolution",
            "Each cell of an input of 3 x 3 in turn adds its multiple of the 3 x 3 kernel to the "
            "outputs. The sums grow to an output of 5 x 5.",
        ),
        "transposed-stride": (
            "Transposed convolution with stride 2",
            "Each cell of an input of 3 x 3 in turn adds its multiple of the 3 x 3 kernel to the "
            "outputs. From cell to cell the kernel moves by two outputs, so there are 7 x 7.",
        ),
        "tiled": (
            "Tiled convolution",
            "Four kernels of 2 x 2 take turns along rows and columns while a window moves over an "
            "input of 5 x 5. Outputs that are two apart share a kernel.",
        ),
        "local": (
            "Locally connected layer",
            "A window of 2 x 2 cells moves over an input of 4 x 4. Each of the 3 x 3 outputs has a "
            "kernel of its own, so nine kernels are used once each.",
        ),
        "max-pooling": (
            "Max pooling",
            "Windows of 2 x 2 cells lie side by side on an input of 6 x 6. The largest cell of "
            "each becomes one of the 3 x 3 outputs.",
        ),
        "average-pooling": (
            "Average pooling",
            "Windows of 2 x 2 cells lie side by side on an input of 6 x 6. The mean of each "
            "becomes one of the 3 x 3 outputs.",
        ),
        "ceil-pooling": (
            "Max pooling in ceil mode",
            "Windows of 2 x 2 cells lie side by side on an input of 5 x 5. The last one of each "
            "row and column reaches beyond the input and takes the largest of the cells that "
            "there are, so the output has 3 x 3 values.",
        ),
    },
    "zh_CN": {
        "valid": (
            "有效卷积",
            "3 x 3 的窗口在 5 x 5 的输入上移动，共有 3 x 3 个位置。在每个位置上，窗口内的单元格与"
            "核的权重逐个相乘，其和就是一个输出。",
        ),
        "same": (
            "相同卷积",
            "5 x 5 的输入在每一侧各填充一行或一列零。3 x 3 的窗口在其上有 5 x 5 个位置，因此输出与"
            "输入单元格一样多。",
        ),
        "full": (
            "全卷积",
            "3 x 3 的输入在每一侧各填充两行或两列零。3 x 3 的窗口在其上有 5 x 5 个位置，每个单元格"
            "都被其中九个位置看到。",
        ),
        "stride": (
            "步幅为 2 的卷积",
            "3 x 3 的窗口在 7 x 7 的输入上移动，沿行和列每次移动两个单元格，共有 3 x 3 个位置。",
        ),
        "dilation": (
            "扩张率为 2 的膨胀卷积",
            "与 3 x 3 个权重相乘的九个单元格间距为两格，因而在 7 x 7 的输入上跨越 5 x 5 "
            "个单元格，输出为 3 x 3。",
        ),
        "transposed": (
            "转置卷积",
            "3 x 3 输入的每个单元格依次把它与 3 x 3 核的乘积加到输出上，逐步累加成 5 x 5 的输出。",
        ),
        "transposed-stride": (
            "步幅为 2 的转置卷积",
            "3 x 3 输入的每个单元格依次把它与 3 x 3 核的乘积加到输出上。相邻单元格对应的核位置相隔"
            "两个输出，因此输出为 7 x 7。",
        ),
        "tiled": (
            "平铺卷积",
            "窗口在 5 x 5 的输入上移动时，四个 2 x 2 的核沿行和列轮流使用。"
            "相隔两格的输出共享同一个核。",
        ),
        "local": (
            "局部连接层",
            "2 x 2 的窗口在 4 x 4 的输入上移动。3 x 3 个输出各有自己的核，九个核各使用一次。",
        ),
        "max-pooling": (
            "最大池化",
            "2 x 2 的窗口并排铺在 6 x 6 的输入上。每个窗口中最大的值成为 3 x 3 输出中的一个。",
        ),
        "average-pooling": (
            "平均池化",
            "2 x 2 的窗口并排铺在 6 x 6 的输入上。每个窗口的平均值成为 3 x 3 输出中的一个。",
        ),
        "ceil-pooling": (
            "向上取整的最大池化",
            "2 x 2 的窗口并排铺在 5 x 5 的输入上。每行和每列的最后一个窗口超出输入，只取其中存在的"
            "单元格的最大值，因此输出为 3 x 3。",
        ),
    },
}


def words(language):
    """Return the labels and the texts of a language; English where there are none."""
    return LABELS.get(language, LABELS["en"]), TEXTS.get(language, TEXTS["en"])
