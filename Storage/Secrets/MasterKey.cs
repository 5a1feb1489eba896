using System.Security.Cryptography;
using FleetMdm.Storage.Hosting;
using FleetMdm.Storage.Sqlite;

namespace FleetMdm.Storage.Secrets;

/// <summary>Finds the master key, and proves at start that it is the one that the stored secrets were sealed with.</summary>
internal static class MasterKey
{
    public const string DefaultFile = "master.key";

    /// <summary>The fact that holds the mark of the key.</summary>
    public const string CheckFact = "master-key-check";

    /// <summary>The fact that says that a change of the key has begun and not ended; see <see cref="MasterKeyChange"/>.</summary>
    public const string ChangeFact = "master-key-change";

    private const string CheckPurpose = "master-key-check";
    private static readonly byte[] CheckValue = "FleetMdm"u8.ToArray();

    /// <summary>The key that is there; on SQLite one is made for a database that does not exist yet.</summary>
    /// <exception cref="StorageConfigurationException">No key, or not a key.</exception>
    public static byte[] Load(SecretsOptions secrets, StorageOptions storage)
    {
        if (Find(secrets, storage) is { } key)
            return key;
        if (storage.Provider != StorageProvider.Sqlite)
        {
            throw new StorageConfigurationException(
                "Secrets:MasterKey is not set: make one with `openssl rand -base64 32` and give the same one to every node, in the " +
                "environment (FLEETMDM__Secrets__MasterKey) or as a file (Secrets:MasterKeyFile).");
        }

        var file = FileIn(storage);
        if (File.Exists(SqliteConnections.FileOf(storage)))
        {
            throw new StorageConfigurationException(
                $"The master key {file} is missing: put back the one that the secrets in {SqliteConnections.FileOf(storage)} were sealed with.");
        }

        return Parse(Create(file), file);
    }

    /// <summary>The key that is there; null: none is configured, and none was made.</summary>
    /// <exception cref="StorageConfigurationException">It cannot be read, or is not a key.</exception>
    public static byte[]? Find(SecretsOptions secrets, StorageOptions storage)
    {
        if (!string.IsNullOrWhiteSpace(secrets.MasterKey))
            return Parse(secrets.MasterKey, "Secrets:MasterKey");
        if (!string.IsNullOrWhiteSpace(secrets.MasterKeyFile))
            return Parse(Read(secrets.MasterKeyFile), $"Secrets:MasterKeyFile ({secrets.MasterKeyFile})");
        var file = FileIn(storage);
        return storage.Provider == StorageProvider.Sqlite && File.Exists(file) ? Parse(Read(file), file) : null;
    }

    /// <exception cref="StorageConfigurationException">It cannot be read, or is not a key.</exception>
    public static byte[] ReadFile(string file) => Parse(Read(file), file);

    /// <summary>Whether this key has left that mark.</summary>
    public static bool Opens(byte[] key, byte[] mark)
    {
        try
        {
            return new SecretSealer(key).Open(CheckPurpose, mark).AsSpan().SequenceEqual(CheckValue);
        }
        catch (CryptographicException)
        {
            return false;
        }
    }

    /// <summary>Compares the key with the one that the first start has left its mark with.</summary>
    /// <exception cref="StorageConfigurationException">Another key.</exception>
    public static async Task Check(SecretSealer sealer, IStoreControl control, CancellationToken cancellationToken)
    {
        var mark = await control.GetOrAddFact(CheckFact, sealer.Seal(CheckPurpose, CheckValue), cancellationToken);
        try
        {
            sealer.Open(CheckPurpose, mark);
        }
        catch (CryptographicException exception)
        {
            throw new StorageConfigurationException(
                "The master key (Secrets:MasterKey, Secrets:MasterKeyFile or master.key) is not the one that this database's secrets " +
                "were sealed with: give the key that was used before.", exception);
        }
    }

    private static string FileIn(StorageOptions storage) => Path.Combine(storage.DataDirectory, DefaultFile);

    private static byte[] Parse(string text, string source)
    {
        var key = new byte[SecretSealer.KeyLength + 1];
        if (Convert.TryFromBase64String(text.Trim(), key, out var length) && length == SecretSealer.KeyLength)
            return key[..length];
        throw new StorageConfigurationException(
            $"{source} does not hold a master key: {SecretSealer.KeyLength} bytes in Base64, as `openssl rand -base64 32` makes them.");
    }

    private static string Read(string file)
    {
        try
        {
            return File.ReadAllText(file);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new StorageConfigurationException($"The master key cannot be read from {file}: {exception.Message}", exception);
        }
    }

    private static string Create(string file)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(file))!);
        var text = Convert.ToBase64String(RandomNumberGenerator.GetBytes(SecretSealer.KeyLength));
        try
        {
            var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
            if (!OperatingSystem.IsWindows())
                options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            using var stream = new FileStream(file, options);
            using var writer = new StreamWriter(stream);
            writer.WriteLine(text);
            writer.Flush();
            // On disk before anything is sealed with it.
            stream.Flush(flushToDisk: true);
            return text;
        }
        catch (IOException) when (File.Exists(file))
        {
            // Another process was quicker.
            return Read(file);
        }
    }
}
