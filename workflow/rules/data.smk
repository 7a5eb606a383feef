"""From official files to stores: annotations, frames, flow, sound, boxes. One job per shard of videos."""


rule generate_demo:
    """Render the demo kitchen: videos with sound, annotations and detections in the layout of EPIC-KITCHENS-100."""
    output:
        manifest="results/demo/{dataset}/manifest.json",
    log:
        "results/logs/generate_demo/{dataset}.log",
    benchmark:
        "results/benchmarks/generate_demo/{dataset}.tsv"
    wildcard_constraints:
        dataset=datasets_where(lambda e: e.data.demo),
    conda:
        "../../envs/egokd.yaml"
    threads: need("threads", "generate_demo")
    resources:
        mem_mb=need("mem_mb", "generate_demo"),
        runtime=need("runtime", "generate_demo"),
    params:
        code=code("generate_demo"),
        settings=lambda wildcards: slices.as_json(experiment(wildcards).data.demo.model_dump()),
    message:
        "Rendering the demo videos of {wildcards.dataset}"
    shell:
        "python -m egokd.steps.generate_demo --settings {params.settings:q} --threads {threads}"
        " --manifest {output.manifest} 2>&1 | tee {log}"


rule generate_compositional:
    """Render the compositional demo: clips, labels and boxes in the layout of Something-Else."""
    output:
        manifest="results/demo/{dataset}/manifest.json",
    log:
        "results/logs/generate_compositional/{dataset}.log",
    benchmark:
        "results/benchmarks/generate_compositional/{dataset}.tsv"
    wildcard_constraints:
        dataset=datasets_where(lambda e: e.data.compositional_demo),
    conda:
        "../../envs/egokd.yaml"
    threads: need("threads", "generate_compositional")
    resources:
        mem_mb=need("mem_mb", "generate_compositional"),
        runtime=need("runtime", "generate_compositional"),
    params:
        code=code("generate_compositional"),
        settings=lambda wildcards: slices.as_json(experiment(wildcards).data.compositional_demo.model_dump()),
    message:
        "Rendering the demo clips of {wildcards.dataset}"
    shell:
        "python -m egokd.steps.generate_compositional --settings {params.settings:q} --threads {threads}"
        " --manifest {output.manifest} 2>&1 | tee {log}"


rule index_segments:
    """Read the official annotation files into the segment table; the test split has a table and stores of its own."""
    input:
        annotations=from_paths("annotations", "subset"),
    output:
        "results/data/{dataset}{subset}/annotations.parquet",
    log:
        "results/logs/index_segments/{dataset}{subset}.log",
    benchmark:
        "results/benchmarks/index_segments/{dataset}{subset}.tsv"
    priority: FIRST
    conda:
        "../../envs/egokd.yaml"
    threads: need("threads", "index_segments")
    resources:
        mem_mb=need("mem_mb", "index_segments"),
        runtime=need("runtime", "index_segments"),
    params:
        code=adapter_code("index_segments"),
        root=lambda wildcards: paths(wildcards).root,
        frames_rate=lambda wildcards: slices.frames_rate(experiment(wildcards)),
        format=lambda wildcards: experiment(wildcards).data.format,
        source=lambda wildcards: experiment(wildcards).source,
        shards=lambda wildcards: experiment(wildcards).data.shards,
        options=lambda wildcards: slices.adapter_options(experiment(wildcards)),
        splits=lambda wildcards: "test" if wildcards.subset else "train val",
    message:
        "Reading the annotations of {wildcards.dataset}{wildcards.subset}"
    shell:
        "python -m egokd.steps.index_segments --root {params.root:q} --format {params.format:q}"
        " --dataset {wildcards.dataset} --source {params.source:q} --shards {params.shards}"
        " --splits {params.splits} --options {params.options:q} {params.frames_rate} --threads {threads} --out {output} 2>&1 | tee {log}"


rule assign_folds:
    """Set a stratified share of the training split aside as the held-out fold."""
    input:
        annotations="results/data/{dataset}/annotations.parquet",
    output:
        "results/data/{dataset}/segments.parquet",
    log:
        "results/logs/assign_folds/{dataset}.log",
    benchmark:
        "results/benchmarks/assign_folds/{dataset}.tsv"
    priority: FIRST
    conda:
        "../../envs/egokd.yaml"
    threads: 1
    resources:
        mem_mb=need("mem_mb", "assign_folds"),
        runtime=need("runtime", "assign_folds"),
    params:
        code=code("assign_folds"),
        share=lambda wildcards: experiment(wildcards).data.heldout_share,
        seed=lambda wildcards: experiment(wildcards).data.heldout_seed,
        unit=lambda wildcards: experiment(wildcards).data.heldout_unit,
    message:
        "Setting held-out segments of {wildcards.dataset} aside"
    shell:
        "python -m egokd.steps.assign_folds --annotations {input.annotations} --share {params.share}"
        " --seed {params.seed} --unit {params.unit} --out {output} 2>&1 | tee {log}"


rule extract_frames:
    """Decode the frames of one shard of videos and store them as JPEG."""
    input:
        segments="results/data/{dataset}{subset}/annotations.parquet",
    output:
        store="results/data/{dataset}{subset}/rgb/{shard}.arrow",
        skipped="results/data/{dataset}{subset}/rgb/{shard}.skipped.csv",
    log:
        "results/logs/extract_frames/{dataset}{subset}/{shard}.log",
    benchmark:
        "results/benchmarks/extract_frames/{dataset}{subset}/{shard}.tsv"
    priority: FIRST
    conda:
        "../../envs/egokd.yaml"
    threads: 1
    resources:
        mem_mb=need("mem_mb", "extract_frames"),
        runtime=need("runtime", "extract_frames"),
    params:
        code=adapter_code("extract_frames"),
        root=lambda wildcards: paths(wildcards).root,
        frames_rate=lambda wildcards: slices.frames_rate(experiment(wildcards)),
        format=lambda wildcards: experiment(wildcards).data.format,
        settings=lambda wildcards: slices.frame_settings(experiment(wildcards)),
        again=asked_again("rgb"),
    message:
        "Extracting frames of {wildcards.dataset}{wildcards.subset}, shard {wildcards.shard}"
    shell:
        "python -m egokd.steps.extract_frames --segments {input.segments} --shard {wildcards.shard}"
        " --root {params.root:q} --format {params.format:q} --settings {params.settings:q}"
        " {params.frames_rate} --threads {threads} --out {output.store} --skipped {output.skipped} 2>&1 | tee {log}"


rule extract_flow:
    """Compute optical flow from stored frames, or bring the published flow to them."""
    input:
        frames="results/data/{dataset}{subset}/rgb/{shard}.arrow",
    output:
        store="results/data/{dataset}{subset}/flow/{shard}.arrow",
        skipped="results/data/{dataset}{subset}/flow/{shard}.skipped.csv",
    log:
        "results/logs/extract_flow/{dataset}{subset}/{shard}.log",
    benchmark:
        "results/benchmarks/extract_flow/{dataset}{subset}/{shard}.tsv"
    priority: FIRST
    conda:
        "../../envs/egokd.yaml"
    threads: 1
    resources:
        mem_mb=need("mem_mb", "extract_flow"),
        runtime=need("runtime", "extract_flow"),
    params:
        code=flow_code,
        published=published_flow,
        settings=lambda wildcards: slices.as_json(experiment(wildcards).media.flow.model_dump()),
        again=asked_again("flow"),
    message:
        "Preparing optical flow of {wildcards.dataset}{wildcards.subset}, shard {wildcards.shard}"
    shell:
        "python -m egokd.steps.extract_flow --frames {input.frames} --settings {params.settings:q}"
        " {params.published} --threads {threads} --out {output.store} --skipped {output.skipped} 2>&1 | tee {log}"


rule extract_audio:
    """Cut the sound of each segment out of the videos of one shard."""
    input:
        segments="results/data/{dataset}{subset}/annotations.parquet",
    output:
        store="results/data/{dataset}{subset}/audio/{shard}.arrow",
        skipped="results/data/{dataset}{subset}/audio/{shard}.skipped.csv",
    log:
        "results/logs/extract_audio/{dataset}{subset}/{shard}.log",
    benchmark:
        "results/benchmarks/extract_audio/{dataset}{subset}/{shard}.tsv"
    priority: FIRST
    conda:
        "../../envs/egokd.yaml"
    threads: 1
    resources:
        mem_mb=need("mem_mb", "extract_audio"),
        runtime=need("runtime", "extract_audio"),
    params:
        code=adapter_code("extract_audio"),
        root=lambda wildcards: paths(wildcards).root,
        format=lambda wildcards: experiment(wildcards).data.format,
        settings=lambda wildcards: slices.as_json(experiment(wildcards).media.audio.model_dump()),
        again=asked_again("audio"),
    message:
        "Extracting sound of {wildcards.dataset}{wildcards.subset}, shard {wildcards.shard}"
    shell:
        "python -m egokd.steps.extract_audio --segments {input.segments} --shard {wildcards.shard}"
        " --root {params.root:q} --format {params.format:q} --settings {params.settings:q}"
        " --threads {threads} --out {output.store} --skipped {output.skipped} 2>&1 | tee {log}"


rule index_boxes:
    """Find where each video stands in the few large files that hold all boxes."""
    input:
        files=from_paths("box_files"),
    output:
        "results/data/{dataset}/boxes_index.parquet",
    log:
        "results/logs/index_boxes/{dataset}.log",
    benchmark:
        "results/benchmarks/index_boxes/{dataset}.tsv"
    priority: FIRST
    conda:
        "../../envs/egokd.yaml"
    threads: 1
    resources:
        mem_mb=need("mem_mb", "index_boxes"),
        runtime=need("runtime", "index_boxes"),
    params:
        code=code("index_boxes"),
        root=lambda wildcards: paths(wildcards).root,
        format=lambda wildcards: experiment(wildcards).data.format,
    message:
        "Finding the boxes of each video of {wildcards.dataset}"
    shell:
        "python -m egokd.steps.index_boxes --root {params.root:q} --format {params.format:q} --out {output}"
        " 2>&1 | tee {log}"


rule extract_objects:
    """Read hand and object boxes of the segments of one shard."""
    input:
        segments="results/data/{dataset}{subset}/annotations.parquet",
        index=from_paths("boxes_index"),
    output:
        store="results/data/{dataset}{subset}/obj/{shard}.parquet",
        skipped="results/data/{dataset}{subset}/obj/{shard}.skipped.csv",
    log:
        "results/logs/extract_objects/{dataset}{subset}/{shard}.log",
    benchmark:
        "results/benchmarks/extract_objects/{dataset}{subset}/{shard}.tsv"
    priority: FIRST
    conda:
        "../../envs/egokd.yaml"
    threads: 1
    resources:
        mem_mb=need("mem_mb", "extract_objects"),
        runtime=need("runtime", "extract_objects"),
    params:
        code=adapter_code("extract_objects"),
        root=lambda wildcards: paths(wildcards).root,
        format=lambda wildcards: experiment(wildcards).data.format,
        settings=lambda wildcards: slices.object_settings(experiment(wildcards)),
        index=lambda wildcards, input: f"--index {input.index}" if input.index else "",
        again=asked_again("obj"),
    message:
        "Reading hand and object boxes of {wildcards.dataset}{wildcards.subset}, shard {wildcards.shard}"
    shell:
        "python -m egokd.steps.extract_objects --segments {input.segments} {params.index} --shard {wildcards.shard}"
        " --root {params.root:q} --format {params.format:q} --settings {params.settings:q}"
        " --threads {threads} --out {output.store} --skipped {output.skipped} 2>&1 | tee {log}"


rule collect_skipped:
    """Count what could not be read, and stop above the limit of the config."""
    input:
        segments="results/data/{dataset}{subset}/annotations.parquet",
        skipped=from_paths("skipped_tables", "subset"),
    output:
        "results/data/{dataset}{subset}/skipped.csv",
    log:
        "results/logs/collect_skipped/{dataset}{subset}.log",
    benchmark:
        "results/benchmarks/collect_skipped/{dataset}{subset}.tsv"
    priority: FIRST
    conda:
        "../../envs/egokd.yaml"
    threads: 1
    resources:
        mem_mb=need("mem_mb", "collect_skipped"),
        runtime=need("runtime", "collect_skipped"),
    params:
        code=code("collect_skipped"),
        max_share=lambda wildcards: experiment(wildcards).data.max_skipped_share,
    message:
        "Counting what could not be read of {wildcards.dataset}{wildcards.subset}"
    shell:
        "python -m egokd.steps.collect_skipped --segments {input.segments} --skipped {input.skipped}"
        " --max-share {params.max_share} --dataset {wildcards.dataset} --out {output} 2>&1 | tee {log}"


rule index_stores:
    """List the shards of one modality, so that later jobs name one file in place of hundreds."""
    input:
        stores=from_paths("stores", "modality", "subset"),
    output:
        "results/data/{dataset}{subset}/{modality}/shards.json",
    log:
        "results/logs/index_stores/{dataset}{subset}/{modality}.log",
    benchmark:
        "results/benchmarks/index_stores/{dataset}{subset}/{modality}.tsv"
    priority: FIRST
    localrule: True
    conda:
        "../../envs/egokd.yaml"
    threads: 1
    resources:
        mem_mb=need("mem_mb", "index_stores"),
        runtime=need("runtime", "index_stores"),
    params:
        code=code("index_stores"),
    message:
        "Listing the shards of {wildcards.modality} of {wildcards.dataset}{wildcards.subset}"
    shell:
        "python -m egokd.steps.index_stores --stores {input.stores} --out {output} 2>&1 | tee {log}"
