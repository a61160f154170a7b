"""What an instance is worth: the fall of the logit when its bases are replaced by an average base.

    codes -> one reading -> logits of the same sequences with a few bases changed

Replacing a few bases changes the activations of a few positions. So a batch is read once, and each question patches
that reading instead of starting over: the convolution runs over the changed piece alone, the evidence path
swaps a few terms of its sums, and only the attention is computed anew. `tests/test_contributions.py` holds it to
the plain way, a forward pass of the edited sequence.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from argminn_core import dna
from argminn_core.model import Active, Argminn, Output

_CHUNK = 128


class Reading:
    """One forward pass of codes (N, L), kept for questions about parts of it. The model must be in eval mode."""

    def __init__(self, model: Argminn, codes: np.ndarray) -> None:
        self.model, self.codes = model, codes
        self.device = model.stream.device
        scanner = model.scanner
        self._kernels, self._biases = scanner.kernels(), scanner.biases()
        match = F.conv1d(dna.one_hot(codes).to(self.device), self._kernels, self._biases)
        act = match.relu()
        self._active, self._norm = Active.of(act), scanner.fold(act)
        # The same way as in a forward pass, so that predictions do not depend on which command made them.
        logit, attention = model.attend(self._active if self._active.pays else act, *self._norm)
        counts = torch.bincount(self._active.row, minlength=len(act))
        self._entries = F.pad(counts.cumsum(0), (1, 0))  # those of sequence n are entries[n]:entries[n + 1]
        evidence = act.new_zeros(len(act), model.config.filters)
        if model.evidence is not None:
            self._best = match.amax(2, keepdim=True)
            self._weights = model.evidence.weights()
            self._terms = model.evidence.likelihoods(match, self._best).mul_(self._weights)
            # In float64, so that a term which outweighs all others can be taken out exactly; a few sequences at a
            # time, as torch makes a float64 copy of what it sums.
            self._sums = torch.cat([part.sum(2, dtype=torch.float64) for part in self._terms.split(16)])
            evidence = model.evidence.pool(self._terms.sum(2), self._best)
            logit = logit + evidence.sum(1)
        self.output = Output(logit, act, torch.stack(attention, 1), evidence)

    def pooled(self, least: float) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Where the evidence lies: active places that hold over `least` of all that their filter pools, over positions
        and strands. Sequence, channel, position and share, one entry each, (M,). Only for a model with evidence.
        """
        evidence, active = self.model.evidence, self._active
        level = self._sums.clamp_min(1e-30).log() + self._best.squeeze(2) * evidence.sharpness()
        strand = level.view(len(level), evidence.strands, evidence.filters).softmax(1).flatten(1)
        scale = (strand / self._sums.clamp_min(1e-30)).to(self._terms.dtype)
        share = self._terms[active.row, active.channel, active.place] * scale[active.row, active.channel]
        found = share > least
        return active.row[found], active.channel[found], active.place[found], share[found]

    def without(self, row: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
        """Logits (M,) of sequence `row` with N in `start:end`, for M questions at once."""
        parts = [
            self._without(row[lo : lo + _CHUNK], start[lo : lo + _CHUNK], end[lo : lo + _CHUNK])
            for lo in range(0, len(row), _CHUNK)
        ]
        return torch.cat(parts).cpu().numpy() if parts else np.zeros(0, dtype=np.float32)

    def edited(self, row: np.ndarray, codes: np.ndarray) -> np.ndarray:
        """Logits (M,) of codes (M, L), each an edited copy of sequence `row` (M,).

        What lies between the first and the last base that changed is read anew: neighbours with edits of about the same
        length are the quickest.
        """
        parts = [
            self._edited(row[lo : lo + _CHUNK], codes[lo : lo + _CHUNK]) for lo in range(0, len(row), _CHUNK)
        ]
        return torch.cat(parts).cpu().numpy() if parts else np.zeros(0, dtype=np.float32)

    def _without(self, row: np.ndarray, start: np.ndarray, end: np.ndarray) -> Tensor:
        first, columns = self._around(start, end)
        piece = self.codes[row[:, None], columns]
        piece[(columns >= start[:, None]) & (columns < end[:, None])] = dna.N_CODE
        return self._read(row, first, piece)

    def _edited(self, row: np.ndarray, codes: np.ndarray) -> Tensor:
        changed = codes != self.codes[row]
        start, last = changed.argmax(1), codes.shape[1] - 1 - changed[:, ::-1].argmax(1)
        end = np.where(changed.any(1), last + 1, start + 1)  # nothing changed: any base will do
        first, columns = self._around(start, end)
        return self._read(row, first, codes[np.arange(len(row))[:, None], columns])

    def _around(self, start: np.ndarray, end: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Where filters begin that read any of `start:end`, (M,), and the columns that they read, (M, size + W - 1):
        one piece of the same size for all.
        """
        config = self.model.config
        size = min(int((end - start).max()) + config.width - 1, config.positions)
        first = np.clip(start - config.width + 1, 0, config.positions - size)
        return first, first[:, None] + np.arange(size + config.width - 1)

    def _read(self, row: np.ndarray, first: np.ndarray, piece: np.ndarray) -> Tensor:
        """Logits (M,) of sequence `row` with the letters of `piece` (M, size + W - 1) from base `first` on."""
        size = piece.shape[1] - self.model.config.width + 1
        match = F.conv1d(dna.one_hot(piece).to(self.device), self._kernels, self._biases)  # (M, C, size)
        rows = torch.from_numpy(row).to(self.device)
        starts = torch.from_numpy(first).to(self.device)
        logit, _ = self.model.attend(self._patched(rows, starts, match.relu()), *self._norm)
        if self.model.evidence is None:
            return logit
        evidence, old = self.model.evidence, self._best[rows]
        best = torch.maximum(
            old, match.amax(2, keepdim=True)
        )  # a letter more may match better than all before
        shrink = evidence.likelihoods(old, best).squeeze(2)  # which spends `old`
        before = self._terms.unfold(2, size, 1)[rows, :, starts].sum(2, dtype=torch.float64)
        weights = self._weights.unfold(1, size, 1)[:, starts].transpose(0, 1)
        after = (evidence.likelihoods(match, best) * weights).sum(2, dtype=torch.float64)
        summed = ((self._sums[rows] - before) * shrink + after).to(match.dtype)
        return logit + evidence.pool(summed, best).sum(1)

    def _patched(self, rows: Tensor, start: Tensor, act: Tensor) -> Active:
        """The activations of sequences `rows` (M,), with act (M, C, size) in the places from `start` (M,) on."""
        low, high = self._entries[rows], self._entries[rows + 1]
        count = high - low
        question = torch.repeat_interleave(torch.arange(len(rows), device=self.device), count)
        before = count.cumsum(0) - count
        entry = torch.arange(len(question), device=self.device) + (low - before)[question]
        away = self._active.place[entry] - start[question]
        stays = (away < 0) | (away >= act.shape[2])
        question, entry = question[stays], entry[stays]
        old, new = self._active, Active.of(act)
        return Active(
            torch.cat([question, new.row]),
            torch.cat([old.channel[entry], new.channel]),
            torch.cat([old.place[entry], new.place + start[new.row]]),
            torch.cat([old.value[entry], new.value]),
            (len(rows), *old.shape[1:]),
        )
