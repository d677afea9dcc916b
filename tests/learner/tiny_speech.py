"""Transformers checkpoints with random weights that are small enough to be asked within a test."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.learner.tiny import write_tiny_encoder

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

LETTERS = "가나다라마바사아자차카타파하"


def write_tiny_ctc(folder: Path) -> Path:
    """Write a random Wav2Vec2 that spells Korean syllables, and return its folder."""
    import torch
    from transformers import Wav2Vec2Config, Wav2Vec2CTCTokenizer, Wav2Vec2FeatureExtractor, Wav2Vec2ForCTC

    folder.mkdir(parents=True, exist_ok=True)
    pieces = ["<pad>", "<s>", "</s>", "<unk>", "|", *LETTERS]
    vocabulary = folder / "vocab.json"
    vocabulary.write_text(json.dumps({piece: i for i, piece in enumerate(pieces)}), "utf-8")
    torch.manual_seed(0)
    config = Wav2Vec2Config(
        vocab_size=len(pieces),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        conv_dim=(16, 16),
        conv_stride=(10, 32),
        conv_kernel=(10, 32),
        num_conv_pos_embeddings=8,
        num_conv_pos_embedding_groups=2,
        initializer_range=2.0,
        pad_token_id=0,
    )
    Wav2Vec2ForCTC(config).save_pretrained(folder)
    Wav2Vec2CTCTokenizer(str(vocabulary)).save_pretrained(folder)
    Wav2Vec2FeatureExtractor(return_attention_mask=False).save_pretrained(folder)
    return folder


def write_tiny_whisper(folder: Path) -> Path:
    """Write a random Whisper, and return its folder."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import (
        GenerationConfig,
        WhisperConfig,
        WhisperFeatureExtractor,
        WhisperForConditionalGeneration,
        WhisperTokenizerFast,
    )

    folder.mkdir(parents=True, exist_ok=True)
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    specials = ["<|endoftext|>", "<|startoftranscript|>", "<|ko|>", "<|en|>", "<|transcribe|>", "<|translate|>"]
    specials += ["<|notimestamps|>"]
    pieces = {piece: i for i, piece in enumerate(alphabet)}
    backend = Tokenizer(models.BPE(pieces, []))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    tokenizer = WhisperTokenizerFast(
        tokenizer_object=backend, unk_token=specials[0], bos_token=specials[0], eos_token=specials[0]
    )
    tokenizer.add_special_tokens({"additional_special_tokens": specials[1:]})
    tokenizer.add_tokens([f"<|{i * 0.02:.2f}|>" for i in range(1501)])
    ids = {piece: tokenizer.convert_tokens_to_ids(piece) for piece in specials}
    end = ids["<|endoftext|>"]
    torch.manual_seed(0)
    config = WhisperConfig(
        vocab_size=len(tokenizer),
        d_model=16,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=32,
        decoder_ffn_dim=32,
        num_mel_bins=80,
        max_target_positions=64,
        decoder_start_token_id=ids["<|startoftranscript|>"],
        pad_token_id=end,
        bos_token_id=end,
        eos_token_id=end,
        init_std=1.0,
    )
    model = WhisperForConditionalGeneration(config)
    model.generation_config = GenerationConfig(
        decoder_start_token_id=config.decoder_start_token_id,
        eos_token_id=end,
        pad_token_id=end,
        max_length=24,
        is_multilingual=True,
        lang_to_id={piece: ids[piece] for piece in ("<|ko|>", "<|en|>")},
        task_to_id={"transcribe": ids["<|transcribe|>"], "translate": ids["<|translate|>"]},
        no_timestamps_token_id=ids["<|notimestamps|>"],
    )
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    WhisperFeatureExtractor().save_pretrained(folder)
    return folder


def write_tiny_classifier(
    folder: Path, characters: str, labels: Mapping[int, str], *, problem_type: str | None = None
) -> Path:
    """Write a random text classifier with labels of its own, and return its folder."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification

    write_tiny_encoder(folder, characters)
    config = BertConfig.from_pretrained(folder)
    config.id2label, config.num_labels = dict(labels), len(labels)
    config.label2id = {name: i for i, name in labels.items()}
    config.problem_type = problem_type
    torch.manual_seed(0)
    BertForSequenceClassification(config).save_pretrained(folder)
    return folder
