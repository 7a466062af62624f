# Rosenbrock's valley, whose lowest point is 0 at x = 1, y = 1; run by command.rhai as: sh valley.sh --x X --y Y
while [ $# -gt 1 ]; do
    case $1 in
        --x) x=$2 ;;
        --y) y=$2 ;;
    esac
    shift 2
done
awk -v x="$x" -v y="$y" 'BEGIN {
    printf "{\"value\": %.12g, \"distance\": %.12g}\n", (1 - x)^2 + 100 * (y - x^2)^2, sqrt((1 - x)^2 + (1 - y)^2)
}'
