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
        self.maps = [list(context.model_config[key]) for key in ("slope", "intercept")]
        self.reader: Any = None

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
        from twelvelead.serving.reader import adapter_reader

        if isinstance(model_input, pd.DataFrame):
            column = "image" if "image" in model_input else model_input.columns[0]
            model_input = model_input[column]
        images = [item if isinstance(item, bytes) else Path(item).read_bytes() for item in model_input]
        if self.reader is None:
            self.reader = adapter_reader(self.base, self.adapter, self.codes, *self.maps)
        return pd.DataFrame(self.reader.read(images), columns=self.codes)


set_model(PageReader())
