import torch

from attune.models.ensemble import EnsembleLinear


def layer(members: int = 3) -> EnsembleLinear:
    torch.manual_seed(0)
    return EnsembleLinear(4, 2, members, random_signs=True)


def test_each_member_is_a_linear_layer_scaled_by_its_own_vectors():
    ensemble, inputs_BKI = layer(), torch.randn(5, 3, 4)
    with torch.no_grad():
        ensemble.output_scale_KO.uniform_(0.5, 1.5)
        ensemble.bias_KO.uniform_(-1, 1)
    outputs_BKO = ensemble(inputs_BKI)
    for member in range(3):
        scale_I = ensemble.input_scale_KI[member]
        weight_OI = ensemble.output_scale_KO[member][:, None] * ensemble.weight_OI * scale_I
        by_hand_BO = inputs_BKI[:, member] @ weight_OI.T + ensemble.bias_KO[member]
        torch.testing.assert_close(outputs_BKO[:, member], by_hand_BO)


def test_random_signs_make_members_of_the_first_layer_differ():
    ensemble = layer(members=8)
    assert set(ensemble.input_scale_KI.flatten().tolist()) == {-1.0, 1.0}
    assert len(torch.unique(ensemble.input_scale_KI, dim=0)) > 1
