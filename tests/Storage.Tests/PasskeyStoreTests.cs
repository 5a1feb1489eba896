using System.Security.Cryptography;
using FleetMdm.Storage.Access;

namespace FleetMdm.Storage.Tests;

public sealed class PostgresPasskeyStoreTests(PostgresFixture fixture) : PasskeyStoreTests(fixture), IClassFixture<PostgresFixture>;

public sealed class SqlitePasskeyStoreTests(SqliteFixture fixture) : PasskeyStoreTests(fixture), IClassFixture<SqliteFixture>;

/// <summary>Passkeys, the same on both databases.</summary>
public abstract class PasskeyStoreTests(StoreFixture fixture)
{
    private static int _number;

    private static byte[] Bytes() => RandomNumberGenerator.GetBytes(32);

    private IPasskeyStore Store => fixture.Node.Passkeys;

    private async Task<AccountWithKeys> Account()
    {
        var id = Guid.NewGuid().ToString();
        var name = $"passkeys-{Interlocked.Increment(ref _number)}";
        var account = new Account { Id = id, Version = 1, UserName = name, Name = name, Role = "viewer", CreatedAt = Make.Now, CreatedBy = "ada", UpdatedAt = Make.Now, UpdatedBy = "ada" };
        Assert.Equal(AccountOutcome.Written, await fixture.Node.Accounts.Create(account, null, null));
        return (await fixture.Node.Accounts.FindByName(name))!;
    }

    private static Passkey New(AccountWithKeys of) => new()
    {
        Id = Guid.NewGuid().ToString(),
        CredentialId = Bytes(),
        AccountId = of.Account.Id,
        Name = "iPad at home",
        PublicKey = Bytes(),
        SignCount = 3_000_000_000,
        Transports = ["internal", "hybrid"],
        MayBeCopied = true,
        IsCopied = false,
        CreatedAt = Make.Now,
    };

    [Fact]
    public async Task A_passkey_is_added_once_found_and_removed_by_its_owner_alone()
    {
        var (account, other) = (await Account(), await Account());
        var passkey = New(account);
        Assert.Equal(PasskeyOutcome.Gone, await Store.Add(passkey, "another stamp", null));
        Assert.Equal(PasskeyOutcome.Written, await Store.Add(passkey, account.Stamp, null));
        Assert.Equal(PasskeyOutcome.Written, await Store.Add(passkey, account.Stamp, null));
        Assert.Equal(PasskeyOutcome.Known, await Store.Add(passkey with { Id = Guid.NewGuid().ToString(), AccountId = other.Account.Id }, other.Stamp, null));
        var found = (await Store.Find(passkey.CredentialId))!;
        Assert.Equivalent(passkey, found, strict: true);
        Assert.Equal(1, (await fixture.Node.Accounts.Find(Scope.District, account.Account.Id))!.Passkeys);
        Assert.False(await Store.Remove(other.Account.Id, passkey.Id, null));
        Assert.True(await Store.Remove(account.Account.Id, passkey.Id, null));
        Assert.Null(await Store.Find(passkey.CredentialId));
    }

    [Fact]
    public async Task An_account_has_a_bounded_number_and_all_go_at_once_also_with_the_account()
    {
        var account = await Account();
        for (var i = 0; i < IPasskeyStore.MostOfAccount; i++) Assert.Equal(PasskeyOutcome.Written, await Store.Add(New(account), account.Stamp, null));
        Assert.Equal(PasskeyOutcome.TooMany, await Store.Add(New(account), account.Stamp, null));
        Assert.Null(await Store.RemoveAll(Scope.Of(["another school"]), account.Account.Id, null));
        Assert.Equal(IPasskeyStore.MostOfAccount, await Store.RemoveAll(Scope.District, account.Account.Id, null));
        Assert.Equal(0, await Store.RemoveAll(Scope.District, account.Account.Id, null));

        var passkey = New(account);
        await Store.Add(passkey, account.Stamp, null);
        await fixture.Node.Accounts.Delete(Scope.District, account.Account.Id, true, null);
        Assert.Null(await Store.Find(passkey.CredentialId));
    }

    [Fact]
    public async Task A_challenge_begins_one_session_whoever_else_comes_with_it()
    {
        var account = await Account();
        var passkey = New(account);
        await Store.Add(passkey, account.Stamp, null);
        var challenge = Bytes();
        var outcomes = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => Begin(account, passkey, challenge, 3_000_000_001 + i)));
        Assert.Single(outcomes, outcome => outcome == SessionOutcome.Begun);
        Assert.Equal(7, outcomes.Count(outcome => outcome == SessionOutcome.CodeUsed));
        var used = (await Store.Find(passkey.CredentialId))!;
        Assert.True(used.SignCount > passkey.SignCount);
        Assert.Equal((true, Make.Now), (used.IsCopied, used.UsedAt));

        // One that is removed signs nobody in, and costs no challenge.
        await Store.Remove(account.Account.Id, passkey.Id, null);
        Assert.Equal(SessionOutcome.CodeUsed, await Begin(account, passkey, Bytes(), 3_000_000_100));
    }

    private Task<SessionOutcome> Begin(AccountWithKeys account, Passkey passkey, byte[] challenge, long count) => fixture.Node.Accounts.BeginSession(
        new AccountSession
        {
            Id = Guid.NewGuid().ToString(),
            AccountId = account.Account.Id,
            SecretSha256 = Bytes(),
            Stamp = account.Stamp,
            Way = "passkey",
            BegunAt = Make.Now,
            SeenAt = Make.Now,
            EndsAt = Make.Now.AddHours(12),
        }, null, null, new PasskeyUse(passkey.CredentialId, challenge, count, true, Make.Now.AddMinutes(-30)), null);
}
