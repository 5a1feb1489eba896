using System.Diagnostics;

namespace FleetMdm.Protocol.Tests.Push;

/// <summary>
/// The command <c>openssl</c>, in a directory of its own with a push certificate in it: an independent source of the files
/// that people upload.
/// </summary>
public sealed class OpenSsl : IDisposable
{
    public const string Topic = "com.apple.mgmt.External.6f1de2a7-0c55-4b57-9d0c-3c5a1f6c2b11";
    public const string Password = "correct horse";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly string _directory = Directory.CreateTempSubdirectory("push-certificate-").FullName;

    public OpenSsl()
    {
        Run("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", "certificate.pem", "-days", "365",
            "-subj", $"/C=US/CN=APSP:6f1de2a7/UID={Topic}");
        Run("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "other-key.pem", "-out", "other.pem", "-days", "365",
            "-subj", "/CN=Intermediate");
    }

    public string Path(string file) => System.IO.Path.Combine(_directory, file);

    public string Text(string file) => File.ReadAllText(Path(file));

    public byte[] Bytes(string file) => File.ReadAllBytes(Path(file));

    public void Run(params string[] arguments)
    {
        var start = new ProcessStartInfo("openssl", arguments)
        {
            WorkingDirectory = _directory,
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        };
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEnd();
        Assert.True(process.WaitForExit(Patience), "openssl did not end.");
        Assert.True(process.ExitCode == 0, $"openssl {string.Join(' ', arguments)}: {errors}");
    }

    public void Dispose() => Directory.Delete(_directory, recursive: true);
}
