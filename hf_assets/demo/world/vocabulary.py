"""The words of a generated Hub, with their shares: categories, libraries, licences, names."""

import json

# Share of each category among the models that have one, in per mille: the real Hub's order of
# magnitude in 2026 (hub listings published by others).
CATEGORIES: dict[str, float] = {
    "text-generation": 330, "text-to-image": 95, "text-classification": 95,
    "reinforcement-learning": 66, "automatic-speech-recognition": 46, "text2text-generation": 44,
    "image-text-to-text": 40, "token-classification": 34, "robotics": 30, "feature-extraction": 28,
    "fill-mask": 26, "sentence-similarity": 26, "image-classification": 25,
    "question-answering": 20, "text-to-speech": 14, "translation": 13, "image-to-text": 8,
    "summarization": 8, "object-detection": 7, "text-to-video": 7, "image-to-image": 6,
    "image-segmentation": 6, "audio-classification": 6, "text-to-audio": 5, "image-to-video": 4,
    "unconditional-image-generation": 4, "zero-shot-image-classification": 3, "text-ranking": 3,
    "tabular-classification": 3, "zero-shot-classification": 3, "tabular-regression": 2,
    "image-feature-extraction": 2, "any-to-any": 2, "image-to-3d": 2, "time-series-forecasting": 2,
    "audio-to-audio": 2, "visual-question-answering": 2, "depth-estimation": 1.5,
    "video-classification": 1.5, "mask-generation": 1, "document-question-answering": 1,
    "voice-activity-detection": 1, "video-text-to-text": 1, "text-to-3d": 1, "graph-ml": 0.8,
    "zero-shot-object-detection": 0.6, "keypoint-detection": 0.4, "table-question-answering": 0.3,
}  # fmt: skip
NO_CATEGORY = 0.40  # share of models without one

# A tag of most models of a topic, whether the Hub gives them a category or not.
HINTS = {
    "text-generation": "llm", "text-to-image": "stable-diffusion", "text-classification": "emotion",
    "reinforcement-learning": "deep-rl", "automatic-speech-recognition": "whisper-event",
    "image-text-to-text": "vlm", "token-classification": "ner", "robotics": "so101",
    "feature-extraction": "embedding-model", "fill-mask": "mlm", "sentence-similarity": "dense",
    "image-classification": "vision-model", "text-to-speech": "tts",
}  # fmt: skip
WITH_HINT = 0.6

LIBRARIES: dict[str | None, float] = {
    "transformers": 500, None: 205, "diffusers": 80, "peft": 66, "stable-baselines3": 26,
    "sentence-transformers": 20, "gguf": 18, "mlx": 15, "lerobot": 14, "ml-agents": 9, "timm": 8,
    "adapter-transformers": 6, "keras": 5, "onnx": 5, "setfit": 4, "sample-factory": 3,
    "nemo": 3, "open_clip": 2, "spacy": 2, "espnet": 2, "flair": 2, "vllm": 2, "fasttext": 1,
    "ultralytics": 1, "transformers.js": 1,
}  # fmt: skip

LICENSES: dict[str, float] = {
    "apache-2.0": 470, "mit": 180, "other": 80, "llama3.1": 30, "openrail": 30,
    "creativeml-openrail-m": 50, "cc-by-nc-4.0": 35, "cc-by-4.0": 20, "llama2": 20, "llama3": 18,
    "gemma": 25, "llama3.2": 14, "cc-by-sa-4.0": 8, "cc-by-nc-sa-4.0": 9, "unknown": 6,
    "afl-3.0": 5, "gpl-3.0": 6, "bigscience-openrail-m": 3, "agpl-3.0": 3, "bsd-3-clause": 3,
}  # fmt: skip
WITH_LICENSE = 0.40

# What is made more of each year, and what less: a share's factor a year, 1 for all others.
YEARLY: dict[str, float] = {
    "text-generation": 1.15, "image-text-to-text": 1.9, "robotics": 2.6, "any-to-any": 2.2,
    "text-to-video": 1.9, "image-to-video": 2.2, "text-to-speech": 1.5, "text-ranking": 1.8,
    "time-series-forecasting": 1.5, "image-to-3d": 1.5, "automatic-speech-recognition": 1.1,
    "text2text-generation": 0.5, "text-classification": 0.75, "reinforcement-learning": 0.65,
    "token-classification": 0.7, "fill-mask": 0.65, "question-answering": 0.6, "summarization": 0.7,
    "translation": 0.8, "unconditional-image-generation": 0.45, "image-classification": 0.85,
    "lerobot": 2.6, "mlx": 1.9, "gguf": 1.7, "vllm": 2.0, "peft": 1.3, "transformers.js": 1.4,
    "stable-baselines3": 0.65, "ml-agents": 0.5, "adapter-transformers": 0.4, "keras": 0.5,
    "sample-factory": 0.45, "spacy": 0.6, "flair": 0.4, "timm": 0.8, "espnet": 0.6,
    "apache-2.0": 1.15, "mit": 1.2, "other": 1.25, "gemma": 1.6, "llama3.2": 1.2, "llama2": 0.4,
    "llama3": 0.6, "openrail": 0.5, "creativeml-openrail-m": 0.45, "bigscience-openrail-m": 0.4,
    "afl-3.0": 0.7, "docker": 1.5, "static": 1.3, "streamlit": 0.55,
}  # fmt: skip

LANGUAGES = ("en", "zh", "fr", "de", "es", "ja", "ru", "ko", "pt", "ar", "it", "hi", "vi", "id",
             "tr", "nl", "pl", "th", "fa", "uk", "sv", "bn", "multilingual", "code")  # fmt: skip

DATASETS = (
    "imdb", "glue", "wikitext", "common_voice", "mozilla-foundation/common_voice_11_0", "emotion",
    "HuggingFaceFW/fineweb", "tatsu-lab/alpaca", "squad", "databricks/databricks-dolly-15k",
    "openai/gsm8k", "HuggingFaceH4/ultrachat_200k", "conll2003", "Open-Orca/OpenOrca", "food101",
    "teknium/OpenHermes-2.5", "allenai/c4", "cnn_dailymail", "xsum", "imagefolder", "audiofolder",
    "generator", "laion/laion2B-en", "bigcode/the-stack", "cais/mmlu", "wikipedia", "samsum",
    "lerobot/pusht", "Anthropic/hh-rlhf", "facebook/voxpopuli", "google/fleurs", "ms_marco",
)  # fmt: skip

# Named by models, but listed by no Hub: what a trainer writes of a local folder, and older names.
UNLISTED_DATASETS = {
    "imagefolder", "audiofolder", "generator", "common_voice", "emotion", "wikipedia",
}  # fmt: skip

# Shares of each among the datasets that say it, in per mille: an order of magnitude.
DATASET_TASKS: dict[str, float] = {
    "text-generation": 300, "robotics": 140, "question-answering": 110, "text-classification": 110,
    "automatic-speech-recognition": 45, "text-to-image": 40, "image-classification": 40,
    "visual-question-answering": 35, "translation": 35, "summarization": 30,
    "token-classification": 25, "text-to-speech": 25, "image-to-text": 20, "object-detection": 15,
    "feature-extraction": 12, "fill-mask": 10, "reinforcement-learning": 10,
    "tabular-classification": 8, "time-series-forecasting": 4, "graph-ml": 2,
}  # fmt: skip
DATASET_SIZES: dict[str, float] = {
    "n<1K": 330, "1K<n<10K": 270, "10K<n<100K": 200, "100K<n<1M": 120, "1M<n<10M": 50,
    "10M<n<100M": 20, "100M<n<1B": 8, "1B<n<10B": 2,
}  # fmt: skip
DATASET_FORMATS: dict[str, float] = {
    "parquet": 560, "json": 240, "csv": 110, "imagefolder": 50, "text": 25, "webdataset": 10,
    "audiofolder": 5,
}  # fmt: skip
DATASET_MODALITIES: dict[str, float] = {
    "text": 640, "image": 120, "tabular": 90, "timeseries": 70, "audio": 40, "video": 35,
    "geospatial": 3, "3d": 2,
}  # fmt: skip
DATASET_WORDS = (
    "instructions", "chat-logs", "reddit", "math-problems", "code-snippets", "wiki-articles",
    "news", "eval-results", "preference-pairs", "pick-place", "speech", "captions", "reviews",
    "synthetic-qa", "legal", "medical-notes", "agent-traces", "so101-grasp", "corpus", "web-pages",
)  # fmt: skip
DATASET_ENDINGS = ("", "", "-cleaned", "-sft", "-dpo", "-mini", "-raw", "-v2", "-en", "_tokenized")

# arXiv ids that many cards name, the most named first: the template of a card names the first one.
PAPERS = (
    "1910.09700", "2106.09685", "2005.14165", "1706.03762", "1810.04805", "2307.09288",
    "2305.18290", "2402.03300", "2407.21783", "1907.11692", "2212.04356", "1908.10084",
    "2306.01708", "2311.03099", "2203.05482", "2309.00071", "2010.11929", "2112.10752",
    "2412.15115", "2505.09388", "2210.17323", "2306.00978", "2404.14219", "2501.12948",
)  # fmt: skip

FAMILIES = (
    "bert-base-uncased", "distilbert-base-uncased", "roberta-base", "xlm-roberta-base", "gpt2",
    "t5-small", "flan-t5-base", "Llama-2-7b", "Llama-3.1-8B", "Llama-3.2-1B-Instruct", "Qwen2.5-7B",
    "Qwen2.5-0.5B-Instruct", "Qwen3-8B", "Qwen3-4B-Thinking", "Mistral-7B-v0.1", "Mixtral-8x7B",
    "gemma-2-9b-it", "gemma-3-4b", "phi-2", "Phi-3-mini-4k", "DeepSeek-R1-Distill", "whisper-small",
    "wav2vec2-base", "wav2vec2-large-xlsr", "vit-base-patch16-224", "swin-tiny", "detr-resnet-50",
    "stable-diffusion-v1-5", "sdxl-base", "FLUX.1-dev", "ppo-LunarLander-v2", "q-FrozenLake-v1",
    "a2c-PandaReachDense", "dqn-SpaceInvaders", "poca-SoccerTwos", "all-MiniLM-L6", "mpnet-base",
    "bge-small", "e5-large", "deberta-v3-base", "electra-small", "opus-mt", "m2m100", "nllb-200",
    "mms-tts", "speecht5", "yolov8n", "clip-vit", "siglip-so400m", "SmolLM2-135M", "SmolVLA",
    "act_so101", "pi0", "Nous-Hermes", "TinyLlama-1.1B", "falcon-7b", "bloom-560m", "opt-125m",
    "pythia-160m", "gpt-oss-20b", "granite-3.1", "OLMo-2", "Kimi-K2", "GLM-4", "ernie-4.5",
)  # fmt: skip

TUNINGS = (
    "", "", "-Instruct", "-finetuned-emotion", "-finetuned-imdb", "-finetuned-ner", "-sft", "-dpo",
    "-chat", "-qlora", "-ft", "-finetuned-squad", "-grpo", "-distilled", "-base", "-zh", "-medical",
    "-code", "-math", "-legal", "-finetuned-cola", "-roleplay", "-uncensored", "-reward",
)  # fmt: skip

# (id, category, library): real ids for the most popular models of a generated Hub.
FAMOUS: tuple[tuple[str, str, str], ...] = (
    ("sentence-transformers/all-MiniLM-L6-v2", "sentence-similarity", "sentence-transformers"),
    ("google-bert/bert-base-uncased", "fill-mask", "transformers"),
    ("openai-community/gpt2", "text-generation", "transformers"),
    ("meta-llama/Llama-3.1-8B-Instruct", "text-generation", "transformers"),
    ("Qwen/Qwen2.5-7B-Instruct", "text-generation", "transformers"),
    ("stable-diffusion-v1-5/stable-diffusion-v1-5", "text-to-image", "diffusers"),
    ("black-forest-labs/FLUX.1-dev", "text-to-image", "diffusers"),
    ("openai/whisper-large-v3", "automatic-speech-recognition", "transformers"),
    (
        "distilbert/distilbert-base-uncased-finetuned-sst-2-english",
        "text-classification",
        "transformers",
    ),
    ("meta-llama/Llama-2-7b-chat-hf", "text-generation", "transformers"),
    ("mistralai/Mistral-7B-Instruct-v0.2", "text-generation", "transformers"),
    ("FacebookAI/roberta-base", "fill-mask", "transformers"),
    ("FacebookAI/xlm-roberta-base", "fill-mask", "transformers"),
    ("openai/clip-vit-large-patch14", "zero-shot-image-classification", "transformers"),
    ("google/vit-base-patch16-224", "image-classification", "transformers"),
    ("BAAI/bge-m3", "sentence-similarity", "sentence-transformers"),
    ("sentence-transformers/all-mpnet-base-v2", "sentence-similarity", "sentence-transformers"),
    ("stabilityai/stable-diffusion-xl-base-1.0", "text-to-image", "diffusers"),
    ("facebook/bart-large-cnn", "summarization", "transformers"),
    ("google-t5/t5-small", "translation", "transformers"),
    ("cardiffnlp/twitter-roberta-base-sentiment-latest", "text-classification", "transformers"),
    ("ProsusAI/finbert", "text-classification", "transformers"),
    ("dslim/bert-base-NER", "token-classification", "transformers"),
    ("deepseek-ai/DeepSeek-R1", "text-generation", "transformers"),
    ("HuggingFaceH4/zephyr-7b-beta", "text-generation", "transformers"),
    ("facebook/opt-125m", "text-generation", "transformers"),
    ("microsoft/Phi-3-mini-4k-instruct", "text-generation", "transformers"),
    ("google/gemma-2-9b-it", "text-generation", "transformers"),
    ("distilbert/distilgpt2", "text-generation", "transformers"),
    ("facebook/bart-large-mnli", "zero-shot-classification", "transformers"),
    ("openai/whisper-base", "automatic-speech-recognition", "transformers"),
    ("j-hartmann/emotion-english-distilroberta-base", "text-classification", "transformers"),
    ("Salesforce/blip-image-captioning-base", "image-to-text", "transformers"),
    ("facebook/detr-resnet-50", "object-detection", "transformers"),
    ("microsoft/deberta-v3-base", "fill-mask", "transformers"),
    ("timm/resnet50.a1_in1k", "image-classification", "timm"),
    ("intfloat/multilingual-e5-large", "feature-extraction", "sentence-transformers"),
    ("Qwen/Qwen2.5-VL-7B-Instruct", "image-text-to-text", "transformers"),
    ("openai/gpt-oss-20b", "text-generation", "transformers"),
    ("hexgrad/Kokoro-82M", "text-to-speech", "transformers"),
)

# Authors who make others' models smaller, those with the most first.
QUANTISERS = ("mradermacher", "bartowski", "TheBloke", "unsloth", "mlx-community",
              "lmstudio-community", "RichardErkhov", "QuantFactory")  # fmt: skip

# Bases that cards name and no Hub lists any more.
UNLISTED_MODELS = (
    "decapoda-research/llama-7b-hf", "runwayml/stable-diffusion-v1-5", "CompVis/removed-model-v1",
    "meta-llama/Llama-2-7b-local", "models/sft-checkpoint-1000",
)  # fmt: skip

AUTHOR_WORDS = (
    "nova", "mlabs", "deep", "kumar", "tanaka", "zhang", "garcia", "mueller", "ivanov", "rossi",
    "silva", "nguyen", "kim", "smith", "hassan", "okafor", "larsen", "dubois", "neural", "openmind",
    "datawise", "vision", "lingua", "echo", "quant", "alpha", "tensor", "pixel", "sakura", "aurora",
    "lab", "research", "ai", "team", "studio", "works", "community", "hub", "models", "dev",
)  # fmt: skip

ODD_TAGS = (
    "日本語", "русский", "🤗", "quote\"d", "back\\slash", "<b>bold</b>", "a|b", "naïve", "]()",
    "عربى", "tab\there", "한국어",
)  # fmt: skip

SPACE_SDKS: dict[str | None, float] = {
    "gradio": 595, "docker": 190, "static": 130, "streamlit": 75, None: 10,
}  # fmt: skip
SPACE_STAGES: dict[str, float] = {
    "RUNNING": 300, "SLEEPING": 310, "RUNTIME_ERROR": 190, "BUILD_ERROR": 70, "PAUSED": 65,
    "STOPPED": 20, "NO_APP_FILE": 25, "CONFIG_ERROR": 12, "RUNNING_BUILDING": 3, "APP_STARTING": 3,
    "BUILDING": 2,
}  # fmt: skip
HARDWARE: dict[str, float] = {
    "cpu-basic": 900, "zero-a10g": 55, "t4-small": 12, "cpu-upgrade": 15, "a10g-small": 8,
    "l4x1": 4, "a100-large": 4, "t4-medium": 2,
}  # fmt: skip
SPACE_WORDS = (
    "chat", "demo", "image-generator", "text-to-speech", "sentiment-analysis", "leaderboard",
    "summarizer", "whisper-transcriber", "stable-diffusion", "translator", "face-swap", "chatbot",
    "pdf-qa", "object-detector", "music-gen", "playground", "rag-assistant", "portfolio",
    "first_agent_template", "ocr", "llm-arena", "background-removal", "upscaler", "classifier",
)  # fmt: skip


def quoted(text: str) -> str:
    """A JSON string, non-ASCII characters as they are, as the Hub writes it."""
    return json.dumps(text, ensure_ascii=False)
