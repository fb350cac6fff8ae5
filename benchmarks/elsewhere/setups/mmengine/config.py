"""An image classifier as a configuration of MMEngine."""
# ruff: noqa: C408 -- MMEngine's configurations are written with dict(...)

custom_imports = dict(imports=["registered"], allow_failed_imports=False)
model = dict(
    type="Classifier",
    net=dict(type="LeNet", in_channels=1, size=28, num_classes=10),
    loss=dict(type="CrossEntropyLoss"),
    init_cfg=[dict(type="Kaiming", layer=["Conv2d", "Linear"])],
)
train_dataloader = dict(
    batch_size=32,
    num_workers=0,
    sampler=dict(type="DefaultSampler", shuffle=True),
    collate_fn=dict(type="default_collate"),
    dataset=dict(
        type="Images",
        root="data/train",
        pipeline=[
            dict(type="Grayscale"),
            dict(type="RandomHorizontalFlip", p=0.5),
            dict(type="ToTensor"),
            dict(type="Normalize", mean=[0.5], std=[0.25]),
        ],
    ),
)
val_dataloader = dict(
    batch_size=32,
    num_workers=0,
    sampler=dict(type="DefaultSampler", shuffle=False),
    collate_fn=dict(type="default_collate"),
    dataset=dict(
        type="Images",
        root="data/val",
        pipeline=[
            dict(type="Grayscale"),
            dict(type="ToTensor"),
            dict(type="Normalize", mean=[0.5], std=[0.25]),
        ],
    ),
)
val_evaluator = dict(type="Accuracy")
optim_wrapper = dict(
    type="OptimWrapper",
    optimizer=dict(type="SGD", lr=0.02, momentum=0.9, weight_decay=0.001),
    paramwise_cfg=dict(custom_keys={"conv": dict(lr_mult=0.5)}),
)
param_scheduler = dict(type="StepLR", by_epoch=True, step_size=1, gamma=0.5)
train_cfg = dict(by_epoch=True, max_epochs=2, val_interval=1)
val_cfg = dict()
default_hooks = dict(
    logger=dict(type="LoggerHook", interval=1),
    checkpoint=dict(type="CheckpointHook", interval=1, save_best="accuracy", rule="greater"),
)
custom_hooks = [
    dict(type="EarlyStoppingHook", monitor="loss", rule="less", patience=1),
    dict(type="Stages"),
]
load_from = None
work_dir = "run"
randomness = dict(seed=0)
