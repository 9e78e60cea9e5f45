"""The registered model as MLflow runs it ("models from code"): a page in, a probability a statement out.

This file is passed to MLflow as a path and copied beside the adapter; nothing imports it. It needs the
package twelvelead and the base model; `TWELVELEAD_BASE` says where that lies if not where it did in training.
"""

import os
from pathlib import Path
from typing import Any

import mlflow.pyfunc
import pandas as pd
from mlflow.models import set_model


class PageReader(mlflow.pyfunc.PythonModel):  # type: ignore[misc]
    """Reads pictures of paper ECGs. Not a medical device."""

    def load_context(self, context: Any) -> None:
        """Take the adapter's folder and the settings; weights are loaded with the first picture.

        Args:
            context: MLflow's, with the artifact "adapter" and the settings "base" and "codes".
        """
        self.adapter = Path(context.artifacts["adapter"])
        self.base = os.environ.get("TWELVELEAD_BASE") or context.model_config["base"]
        self.codes = list(context.model_config["codes"])
        self.slope = list(context.model_config["slope"])
        self.intercept = list(context.model_config["intercept"])

    def predict(
        self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> pd.DataFrame:
        """Calibrated probabilities of all statements, as the scorecard judged them.

        Args:
            context: MLflow's; not used.
            model_input: PNG bytes or paths: a list, a series, or a frame with a column "image" (or one).
            params: Not used.

        Returns:
            One row a picture, one column a statement code.
        """
        import numpy as np

        from twelvelead.evaluation.calibration import Calibration
        from twelvelead.evaluation.score import score_images

        if isinstance(model_input, pd.DataFrame):
            column = "image" if "image" in model_input else model_input.columns[0]
            model_input = model_input[column]
        images = [item if isinstance(item, bytes) else Path(item).read_bytes() for item in model_input]
        raw = score_images(self.base, self.adapter, images, self.codes)
        fitted = Calibration(np.asarray(self.slope), np.asarray(self.intercept))
        return pd.DataFrame(fitted.of(raw), columns=self.codes)


set_model(PageReader())
