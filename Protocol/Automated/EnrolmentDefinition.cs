using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace FleetMdm.Protocol.Automated;

/// <summary>What an iPad is told out of the box: an enrolment profile of Automated Device Enrolment, as a person sets it.</summary>
public sealed record EnrolmentDefinition
{
    public const int LongestName = 125, LongestDepartment = 125, LongestPhone = 50, LongestEmail = 250;

    /// <summary>Without it iPads cannot be left unmanaged by the pupil. Since iPadOS 13 it always is so.</summary>
    public bool IsMandatory { get; init; } = true;
    /// <summary>The pupil may remove the management in Settings.</summary>
    public bool IsRemovable { get; init; }
    /// <summary>Since iPadOS 13 it always is so.</summary>
    public bool IsSupervised { get; init; } = true;
    /// <summary>The iPad stays in Setup Assistant until what is assigned to it is there.</summary>
    public bool AwaitConfigured { get; init; } = true;
    /// <summary>Goes on by itself where nobody touches it: Apple TV and Mac; iPads with Return to Service from 27 on.</summary>
    public bool AutoAdvance { get; init; }
    /// <summary>Somebody signs in on the iPad before it enrols, and has it from then on.</summary>
    public bool AsksSignIn { get; init; }
    /// <summary>The iPad becomes a Shared iPad, for users with Managed Apple Accounts and for guests. One that cannot be shared ignores it.</summary>
    public bool IsShared { get; init; }
    public IReadOnlyList<string> SkippedItems { get; init; } = [];
    public string? Department { get; init; }
    public string? SupportPhone { get; init; }
    public string? SupportEmail { get; init; }
    /// <summary>As in sv.</summary>
    public string? Language { get; init; }
    /// <summary>As in SE.</summary>
    public string? Region { get; init; }
    /// <summary>An older iPad updates itself before it enrols, as in 18.1; null: each enrols as it is.</summary>
    public string? MinimumOsVersion { get; init; }

    /// <summary>As Apple takes it (Define a Profile). Empty texts are left out: Apple refuses them.</summary>
    /// <param name="name">Of the profile, 1 to 125 characters.</param>
    /// <param name="url">Where iPads ask for their enrolment profile; https.</param>
    /// <param name="anchors">Certificates in DER that iPads are to trust for it; none: those that they know.</param>
    /// <param name="signIn">The page that an iPad opens instead of asking at <paramref name="url"/>, where somebody is to sign in; https.</param>
    public JsonObject ToApple(string name, Uri url, IReadOnlyList<byte[]> anchors, Uri? signIn = null)
    {
        var profile = new JsonObject
        {
            ["profile_name"] = name,
            ["url"] = url.AbsoluteUri,
            ["is_supervised"] = IsSupervised,
            ["is_mandatory"] = IsMandatory,
            ["is_mdm_removable"] = IsRemovable,
            ["await_device_configured"] = AwaitConfigured,
            ["skip_setup_items"] = new JsonArray([.. SkippedItems.Order(StringComparer.Ordinal).Select(item => JsonValue.Create(item))]),
        };
        if (AsksSignIn)
            profile["configuration_web_url"] = (signIn ?? throw new ArgumentException("Somebody is to sign in, and nobody says where.", nameof(signIn))).AbsoluteUri;
        if (AutoAdvance) profile["auto_advance_setup"] = true;
        if (IsShared) profile["is_multi_user"] = true;
        Put("department", Department);
        Put("support_phone_number", SupportPhone);
        Put("support_email_address", SupportEmail);
        Put("language", Language);
        Put("region", Region);
        if (anchors.Count > 0) profile["anchor_certs"] = new JsonArray([.. anchors.Select(anchor => JsonValue.Create(Convert.ToBase64String(anchor)))]);
        return profile;

        void Put(string key, string? value)
        {
            if (!string.IsNullOrWhiteSpace(value)) profile[key] = value;
        }
    }

    /// <summary>Changes exactly when what Apple is told does.</summary>
    public static string DigestOf(JsonObject profile) => Convert.ToHexStringLower(SHA256.HashData(JsonSerializer.SerializeToUtf8Bytes(profile)));
}
