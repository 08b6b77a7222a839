-- MySQL dump
CREATE TABLE `t` (
  `id` int,
  `n` varchar(9)
);
INSERT INTO `t` VALUES (1,'a\'b'),(2,NULL),(3,0x41);
