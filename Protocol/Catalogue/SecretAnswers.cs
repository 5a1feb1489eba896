using System.Collections.Frozen;
using FleetMdm.Protocol.Plist;

namespace FleetMdm.Protocol.Catalogue;

/// <summary>Which of what iPads answer is a secret: whoever has it can open an iPad, or take it.</summary>
public static class SecretAnswers
{
    /// <summary>What stands where a secret was.</summary>
    public const string Hidden = "(hidden)";

    // Apple's keys, wherever in an answer they stand; compared without regard to case.
    private static readonly FrozenSet<string> Keys = new[]
    {
        // TokenUpdate, RequestUnlockToken
        "UnlockToken",
        // ActivationLockBypassCode; escrowed at supervision
        "ActivationLockBypassCode", "EscrowKey", "EscrowedData", "EscrowKeybag", "Keybag",
        // SetBootstrapToken, GetBootstrapToken
        "BootstrapToken",
        // SecurityInfo, RotateFileVaultKey, RotateRecoveryLock, FirmwarePassword
        "FDE_PersonalRecoveryKeyCMS", "FDE_PersonalRecoveryKeyDeviceKey", "FDE_InstitutionalRecoveryKey", "EncryptedNewRecoveryKey", "PersonalRecoveryKey",
        "RecoveryKey", "RecoveryLockPassword", "FirmwarePassword", "CurrentPassword", "NewPassword",
        // Whatever repeats what was entered
        "Passcode", "Password", "PIN", "Secret", "SharedSecret", "PrivateKey", "AccessToken", "MDMToken",
    }.ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    /// <summary>Whether it holds a secret.</summary>
    public static bool Has(PlistNode answer) => answer switch
    {
        PlistDictionary dictionary => dictionary.Any(entry => IsSecret(entry) || Has(entry.Value)),
        PlistArray array => array.Any(Has),
        _ => false,
    };

    /// <summary>The same without its secrets.</summary>
    public static PlistNode Hide(PlistNode answer)
    {
        switch (answer)
        {
            case PlistDictionary dictionary:
                var shown = new PlistDictionary();
                foreach (var entry in dictionary) shown.Add(entry.Key, IsSecret(entry) ? Hidden : Hide(entry.Value));
                return shown;
            case PlistArray array:
                var items = new PlistArray();
                foreach (var item in array) items.Add(Hide(item));
                return items;
            default:
                return answer;
        }
    }

    /// <summary>A flag says that there is one, and is none.</summary>
    private static bool IsSecret(KeyValuePair<string, PlistNode> entry) => Keys.Contains(entry.Key) && entry.Value is not PlistBoolean;
}
