import '../../../../../../../etc/passwd'
