using System.Globalization;
using FleetMdm.Storage.Access;
using Microsoft.AspNetCore.Identity;

namespace FleetMdm.Api.Access;

/// <summary>Accounts and their passkeys, as ASP.NET Core Identity looks for them. It looks only: what it finds is written by <see cref="PasskeyService"/> and with the session.</summary>
internal sealed class PasskeyUsers(IAccountStore accounts, IPasskeyStore passkeys) : IUserPasskeyStore<Account>
{
    public Task<string> GetUserIdAsync(Account user, CancellationToken cancellationToken) => Task.FromResult(user.Id);

    public Task<string?> GetUserNameAsync(Account user, CancellationToken cancellationToken) => Task.FromResult<string?>(user.UserName);

    public Task<string?> GetNormalizedUserNameAsync(Account user, CancellationToken cancellationToken) => Task.FromResult<string?>(user.UserName);

    /// <summary>The id is what a device sent.</summary>
    public async Task<Account?> FindByIdAsync(string userId, CancellationToken cancellationToken) =>
        Guid.TryParseExact(userId, "D", out var id) ? (await accounts.FindWithKeys(id.ToString("D", CultureInfo.InvariantCulture)))?.Account : null;

    public async Task<Account?> FindByNameAsync(string normalizedUserName, CancellationToken cancellationToken) => (await accounts.FindByName(normalizedUserName))?.Account;

    public async Task<IList<UserPasskeyInfo>> GetPasskeysAsync(Account user, CancellationToken cancellationToken) => [.. (await passkeys.List(user.Id)).Select(Info)];

    public async Task<Account?> FindByPasskeyIdAsync(byte[] credentialId, CancellationToken cancellationToken) =>
        await passkeys.Find(credentialId) is { } found ? (await accounts.FindWithKeys(found.AccountId))?.Account : null;

    public async Task<UserPasskeyInfo?> FindPasskeyAsync(Account user, byte[] credentialId, CancellationToken cancellationToken) =>
        await passkeys.Find(credentialId) is { } found && found.AccountId == user.Id ? Info(found) : null;

    public Task SetUserNameAsync(Account user, string? userName, CancellationToken cancellationToken) => throw OnlyLooks();

    public Task SetNormalizedUserNameAsync(Account user, string? normalizedName, CancellationToken cancellationToken) => throw OnlyLooks();

    public Task<IdentityResult> CreateAsync(Account user, CancellationToken cancellationToken) => throw OnlyLooks();

    public Task<IdentityResult> UpdateAsync(Account user, CancellationToken cancellationToken) => throw OnlyLooks();

    public Task<IdentityResult> DeleteAsync(Account user, CancellationToken cancellationToken) => throw OnlyLooks();

    public Task AddOrUpdatePasskeyAsync(Account user, UserPasskeyInfo passkey, CancellationToken cancellationToken) => throw OnlyLooks();

    public Task RemovePasskeyAsync(Account user, byte[] credentialId, CancellationToken cancellationToken) => throw OnlyLooks();

    public void Dispose()
    {
        // The stores belong to the server.
    }

    private static NotSupportedException OnlyLooks() => new("Accounts are written by their own services.");

    private static UserPasskeyInfo Info(Passkey passkey) => new(
        passkey.CredentialId, passkey.PublicKey, passkey.CreatedAt, (uint)passkey.SignCount, [.. passkey.Transports], isUserVerified: true, passkey.MayBeCopied, passkey.IsCopied,
        attestationObject: [], clientDataJson: []);
}
