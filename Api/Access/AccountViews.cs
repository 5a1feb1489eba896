using FleetMdm.Storage.Access;

namespace FleetMdm.Api.Access;

/// <summary>An account, as a whole.</summary>
public sealed record AccountRequest
{
    /// <summary>One signs in with it: an e-mail address, or another name without blanks. At most 200 characters; no two accounts have the same, in whatever case.</summary>
    public required string UserName { get; init; }
    /// <summary>Of the person. At most 200 characters.</summary>
    public required string Name { get; init; }
    /// <summary>The name of a role (GET /api/v1/roles). You cannot give rights that you do not have.</summary>
    public required string Role { get; init; }
    /// <summary>Ids of the schools that the rights cover; null: the whole district.</summary>
    public IReadOnlyList<string>? SchoolIds { get; init; }
    /// <summary>true: the person cannot sign in, and their sessions end.</summary>
    public bool Disabled { get; init; }
    /// <summary>Who it is, of the people of the district; null: nobody said.</summary>
    public string? PersonId { get; init; }
}

/// <summary>A person who signs in to the console.</summary>
public sealed record AccountView
{
    public required string Id { get; init; }
    /// <summary>One more with each change. The <c>ETag</c> is the same.</summary>
    public required int Version { get; init; }
    public required string UserName { get; init; }
    public required string Name { get; init; }
    /// <summary>The name of the role.</summary>
    public required string Role { get; init; }
    /// <summary>Null: the whole district.</summary>
    public IReadOnlyList<string>? SchoolIds { get; init; }
    public required bool Disabled { get; init; }
    public string? PersonId { get; init; }
    /// <summary>When the person set the password; null: there is none.</summary>
    public DateTimeOffset? PasswordAt { get; init; }
    /// <summary>Since when codes of an app are asked for too; null: they are not.</summary>
    public DateTimeOffset? TotpAt { get; init; }
    /// <summary>How many recovery codes are left.</summary>
    public required int RecoveryCodes { get; init; }
    /// <summary>How many passkeys sign the person in.</summary>
    public required int Passkeys { get; init; }
    /// <summary>Until when the link to set a password works; null: there is none.</summary>
    public DateTimeOffset? PasswordLinkUntil { get; init; }
    /// <summary>The provider that says who the person is; null: none.</summary>
    public string? Issuer { get; init; }
    /// <summary>What that provider calls them.</summary>
    public string? Subject { get; init; }
    public DateTimeOffset? LastSignInAt { get; init; }
    /// <summary>Wrong passwords since then.</summary>
    public required int Failures { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public required string CreatedBy { get; init; }
    public required DateTimeOffset UpdatedAt { get; init; }
    public required string UpdatedBy { get; init; }

    internal static AccountView Of(Account account) => new()
    {
        Id = account.Id,
        Version = account.Version,
        UserName = account.UserName,
        Name = account.Name,
        Role = account.Role,
        SchoolIds = account.Schools,
        Disabled = account.Disabled,
        PersonId = account.PersonId,
        PasswordAt = account.PasswordAt,
        TotpAt = account.TotpAt,
        RecoveryCodes = account.RecoveryCodes,
        Passkeys = account.Passkeys,
        PasswordLinkUntil = account.LinkUntil,
        Issuer = account.Issuer,
        Subject = account.Subject,
        LastSignInAt = account.LastSignInAt,
        Failures = account.Failures,
        CreatedAt = account.CreatedAt,
        CreatedBy = account.CreatedBy,
        UpdatedAt = account.UpdatedAt,
        UpdatedBy = account.UpdatedBy,
    };
}

/// <summary>An account that was created.</summary>
public sealed record AccountMade
{
    public required AccountView Account { get; init; }
    /// <summary>The only time that it is shown.</summary>
    public required PasswordLinkView PasswordLink { get; init; }
}

/// <summary>A link with which the person sets a password, once.</summary>
public sealed record PasswordLinkView
{
    /// <summary>Whoever has it can sign in as this person. Give it to nobody else.</summary>
    public required string Url { get; init; }
    public required DateTimeOffset ExpiresAt { get; init; }
}

/// <summary>A browser in which somebody has signed in.</summary>
public sealed record SessionView
{
    public required string Id { get; init; }
    /// <summary>By what the person has shown who they are: password, code, recovery code, passkey, provider.</summary>
    public required string Way { get; init; }
    /// <summary>Where it was begun.</summary>
    public string? Address { get; init; }
    /// <summary>In a few words, as it says of itself.</summary>
    public string? Browser { get; init; }
    public required DateTimeOffset BegunAt { get; init; }
    /// <summary>At most a minute late.</summary>
    public required DateTimeOffset SeenAt { get; init; }
    /// <summary>Sooner if nobody uses it.</summary>
    public required DateTimeOffset EndsAt { get; init; }

    internal static SessionView Of(AccountSession session) => new()
    {
        Id = session.Id,
        Way = session.Way,
        Address = session.Address,
        Browser = session.Browser,
        BegunAt = session.BegunAt,
        SeenAt = session.SeenAt,
        EndsAt = session.EndsAt,
    };
}

/// <summary>How many sessions ended.</summary>
public sealed record SessionsEnded
{
    public required int Ended { get; init; }
}
