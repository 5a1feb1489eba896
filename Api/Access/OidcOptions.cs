namespace FleetMdm.Api.Access;

/// <summary>Section <c>Oidc</c>: the district's own sign-in, by OpenID Connect.</summary>
public sealed class OidcOptions
{
    public const string Section = "Oidc";

    /// <summary>The provider's address, as its discovery document names it: <c>https://login.example/tenant</c>. Null: there is none.</summary>
    public string? Authority { get; set; }

    public string? ClientId { get; set; }

    public string? ClientSecret { get; set; }

    /// <summary>A file with the secret in its first line.</summary>
    public string? ClientSecretFile { get; set; }

    /// <summary>What the provider is asked for, with blanks between.</summary>
    public string Scopes { get; set; } = "openid profile email";

    /// <summary>The claim that names a person's groups.</summary>
    public string GroupsClaim { get; set; } = "groups";

    /// <summary>Each as <c>GROUP=ROLE</c>, or <c>GROUP=ROLE/SCHOOL/SCHOOL</c> with ids of schools. The first one whose group a person has counts.</summary>
    public IList<string> Roles { get; set; } = [];

    /// <summary>A claim that only the district sets, as <c>upn</c>: it says whose account it is, as a verified e-mail address does. Null: there is none.</summary>
    public string? AccountClaim { get; set; }

    /// <summary>On the button.</summary>
    public string Name { get; set; } = "the district's account";

    internal bool IsOn => Authority is not null;

    /// <summary>A sentence on what is wrong, or null.</summary>
    /// <param name="forPeople">Who has no group of <see cref="Roles"/> may sign in for themselves.</param>
    public string? FindFault(bool forPeople = false)
    {
        if (Authority is null) return ClientId is null && ClientSecret is null && ClientSecretFile is null && Roles.Count == 0 ? null : "Oidc:Authority is missing: it names the provider.";
        if (!Uri.TryCreate(Authority, UriKind.Absolute, out var uri) || !(uri.Scheme == Uri.UriSchemeHttps || (uri.Scheme == Uri.UriSchemeHttp && uri.IsLoopback)))
            return $"Oidc:Authority must be an https address, but is {Authority}.";
        if (string.IsNullOrWhiteSpace(ClientId)) return "Oidc:ClientId is missing: the provider gives it when you register FleetMdm there.";
        if (ClientSecret is not null && ClientSecretFile is not null) return "Set one of Oidc:ClientSecret and Oidc:ClientSecretFile.";
        if (ClientSecretFile is not null && !File.Exists(ClientSecretFile)) return $"There is no file {ClientSecretFile}, which Oidc:ClientSecretFile names.";
        if (!Scopes.Split(' ').Contains("openid", StringComparer.Ordinal)) return "Oidc:Scopes must have openid among them.";
        if (string.IsNullOrWhiteSpace(GroupsClaim)) return "Oidc:GroupsClaim must not be empty.";
        if (AccountClaim is not null && string.IsNullOrWhiteSpace(AccountClaim)) return "Oidc:AccountClaim must not be empty: leave it out where there is none.";
        if (string.IsNullOrWhiteSpace(Name)) return "Oidc:Name must not be empty: it stands on the button.";
        if (Roles.Count == 0 && !forPeople) return "Oidc:Roles is empty: nobody could sign in. Give it as GROUP=ROLE, for example staff=helpdesk.";
        return Roles.FirstOrDefault(entry => OidcRole.Parse(entry) is null) is { } wrong
            ? $"Oidc:Roles must have entries such as staff=helpdesk or staff=helpdesk/SCHOOL (an id), but has {wrong}."
            : null;
    }

    internal string? Secret => ClientSecretFile is null ? ClientSecret : File.ReadLines(ClientSecretFile).FirstOrDefault()?.Trim();
}

/// <summary>What a group of the provider means here.</summary>
/// <param name="Schools">Ids; null: the whole district.</param>
internal sealed record OidcRole(string Group, string Role, IReadOnlyList<string>? Schools)
{
    /// <summary>Null: it is none.</summary>
    public static OidcRole? Parse(string entry)
    {
        // A group's name may have an equals sign itself, as in cn=staff.
        var at = entry.LastIndexOf('=');
        if (at <= 0) return null;
        var parts = entry[(at + 1)..].Split('/', StringSplitOptions.TrimEntries);
        if (parts[0].Length == 0 || parts[1..].Any(id => !Guid.TryParseExact(id, "D", out _))) return null;
        return new OidcRole(entry[..at].Trim(), parts[0], parts.Length == 1 ? null : [.. parts[1..].Select(id => id.ToLowerInvariant()).Order(StringComparer.Ordinal)]);
    }
}
