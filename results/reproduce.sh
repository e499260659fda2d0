#!/usr/bin/env bash
# Everything measured in this folder, from motion capture to leaderboard. On two cores it takes about five hours;
# it can be stopped and started again at any moment.
#
#   results/reproduce.sh SOURCE [ANNOTATIONS]     SOURCE: folder of CMU motion capture
#                                                 ANNOTATIONS: folder that holds penn_action, lsp (with the
#                                                 first 400 photographs of LSPET in lspet_400img) and mpii
#
# Writes datasets to work, weights that are not shipped to work/weights and work/images, and the records here.
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

# image models: a rendered laboratory with 3D; rendered streets and LSPET's photographs, whose 3D is hidden or generated
if [ -d "${2:-}/lsp/lspet_400img" ]; then
    mkdir -p work/images
    for split in train test; do
        rendered=$([ $split = train ] && echo "lab:12000 wild:8000" || echo "lab:2000 wild:2000")
        for kind in $rendered; do
            benchsuite render "${kind%:*}" --data work/cmu --split $split --count "${kind#*:}" \
                -o "work/images/${kind%:*}-$split"
        done
    done
    part() { [ -f "$3/dataset.json" ] || benchsuite convert part "$2" -o "$3" --split "$1" "${@:4}"; }
    photographs=$(realpath "$2/lsp/lspet_400img")
    cd work/images
    benchsuite convert lspet "$photographs" -o lspet-all
    part train lspet-all lspet-2d --rows :300
    part test lspet-all lspet-test --rows 300:
    part train wild-train wild-2d --without xyz
    benchsuite label --data wild-2d --lifter stereo --refiner geosearch -o wild-labelled
    benchsuite label --data lspet-2d --lifter stereo --refiner geosearch --threshold 0.03 -o lspet-labelled
    part train wild-labelled wild-unlabelled --without xyz # the same pictures for all three
    part train lspet-labelled lspet-unlabelled --without xyz

    # tune OUT METHOD OPTION...
    tune() {
        [ -f "$1.safetensors" ] || benchsuite train "$2" -o "$1.safetensors" --precision bf16-mixed "${@:3}"
    }
    net=features=64,stacks=1,modules=1,size=128,peaks=exact,schedule=cosine
    tune first "zhou:$net,lr=0.001,pretrain_steps=3500,steps=0,finetune_steps=0" --batch 32 --validate-every 250 \
        --data lab-train --data wild-2d --data lspet-2d --full-precision
    tune pretrained "zhou:$net,lr=0.0005,start=first.safetensors,pretrain_steps=8000,steps=0,finetune_steps=0" --batch 8 \
        --data lab-train --data lab-train --data wild-2d --data wild-2d --data lspet-2d --full-precision
    net=$net,lr=0.0005,start=pretrained.safetensors,pretrain_steps=0
    for seed in 0 1; do
        tune wild-$seed "wild:$net,steps=4500" --batch 8 --seed $seed --recipe small \
            --data lab-train --data lab-train --data wild-labelled --data lspet-labelled
        for method in zhou yang; do
            tune $method-$seed "$method:$net,steps=3000,finetune_steps=1500" --batch 8 --seed $seed --recipe small \
                --data lab-train --data lab-train --data wild-unlabelled --data lspet-unlabelled
        done
    done
    cd ../..
    models=(--image-model zhou --image-model yang --image-model wild) # seed 0 ships with the package
    for method in zhou yang wild; do
        models+=(--image-model "$method:weights=work/images/$method-1.safetensors")
    done
    benchsuite run "${models[@]}" --refiner none --refiner geosearch --evaluator h36m-p1 --evaluator mpi-inf-3dhp \
        --dataset work/images/lab-test --dataset work/images/wild-test
    benchsuite run "${models[@]}" --evaluator pckh --dataset work/images/lab-test --dataset work/images/wild-test
    benchsuite run "${models[@]}" --evaluator pckh:head=segment --dataset work/images/lspet-test
    benchsuite run --lifter mean-pose --dataset work/images/lab-test --dataset work/images/wild-test \
        --evaluator h36m-p1 --evaluator mpi-inf-3dhp # the floor
fi
# what they cost, on a machine with nothing else to do
benchsuite cost --lifter martinez --lifter stereo --lifter mean-pose --refiner none --refiner geosearch
benchsuite cost --image-model zhou --image-model yang --image-model wild --dataset work/images/lab-test
benchsuite leaderboard
