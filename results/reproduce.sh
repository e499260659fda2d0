#!/usr/bin/env bash
# Everything measured in this folder, from motion capture to leaderboard. On two cores it takes about five hours;
# it can be stopped and started again at any moment.
#
#   results/reproduce.sh SOURCE [ANNOTATIONS]     SOURCE: folder of CMU motion capture
#                                                 ANNOTATIONS: folder that holds penn_action, lsp and mpii
#
# Writes the dataset to work/cmu, the weights that are not shipped to work/weights, and the records here.
set -euo pipefail
cd "$(dirname "$0")/.."

[ -f work/cmu/test/dataset.json ] || benchsuite convert cmu "${1:?wanted the folder of CMU motion capture}" -o work/cmu

# train OUT METHOD [OPTION...]
train() {
    local out=$1
    shift
    [ -f "$out" ] || benchsuite train "$@" --data work/cmu --data synthetic --batch 1024 --validate-every 500 \
        --precision bf16-mixed -o "$out"
}
recipe=dropout=0.0,adam=repo,schedule=cosine
shipped=plugins/benchsuite_lifters/weights

# the paper's width, one seed; the first three ship with the package
train $shipped/martinez.safetensors "martinez:steps=8000,$recipe" --recipe "width 1024"
train $shipped/stereo.safetensors "stereo:steps=8000,$recipe" --recipe "width 1024"
train $shipped/mean-pose.safetensors mean-pose
train work/weights/deep-1024-0.safetensors "martinez:steps=8000,blocks=5,$recipe" --recipe "width 1024, 12 layers"

# width 256, three seeds: both lifters, the control as deep as both stereo networks together, Table 2's shifts
for seed in 0 1 2; do
    small="width=256,steps=4000,$recipe"
    train work/weights/martinez-256-$seed.safetensors "martinez:$small" --seed $seed --recipe "width 256"
    train work/weights/stereo-256-$seed.safetensors "stereo:$small" --seed $seed --recipe "width 256"
    train work/weights/deep-256-$seed.safetensors "martinez:$small,blocks=5" --seed $seed --recipe "width 256, 12 layers"
    for shift in 250 750 5000; do
        train work/weights/stereo-256-dx$shift-$seed.safetensors "stereo:$small,delta_x_mm=$shift" --seed $seed \
            --recipe "width 256, shift $shift mm"
    done
done

lifters=(--lifter martinez --lifter stereo --lifter mean-pose --lifter nearest:data=work/cmu)
for weights in work/weights/*.safetensors; do
    method=martinez
    [[ $weights == */stereo-* ]] && method=stereo
    lifters+=(--lifter "$method:weights=$weights")
done
benchsuite run "${lifters[@]}" --refiner none --refiner geosearch --dataset work/cmu --dataset synthetic

# Penn Action and the label generator, on real annotations
if [ -d "${2:-}" ]; then
    benchsuite convert penn-action "$2/penn_action" -o work/penn
    benchsuite run --lifter martinez --lifter stereo --refiner none --refiner geosearch --evaluator penn-action \
        --dataset work/penn
    benchsuite convert lsp "$2/lsp/lsp_joints.mat" -o work/lsp
    benchsuite convert lspet "$2/lsp/lspet_joints.mat" -o work/lspet
    benchsuite convert mpii "$2/mpii/train_joints.csv" -o work/mpii
    for name in lsp lspet mpii; do
        benchsuite label --data work/$name --lifter stereo --refiner geosearch -o work/${name}3d
        cp work/${name}3d/statistics.json results/labels/$name.json
    done
fi
benchsuite leaderboard
